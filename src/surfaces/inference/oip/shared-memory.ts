import { type HttpAnswer, jsonAnswer } from '../http/answer.ts';
import { malformed } from '../request-context.ts';

const statusPath = /^\/v2\/(?:system|cuda)sharedmemory(?:\/region\/[^/]+)?\/status$/;
const changePath = /^\/v2\/(?:system|cuda)sharedmemory(?:\/region\/[^/]+)?\/(register|unregister)\/?$/;

/** The regions of shared memory, which there are none of; null for another path. */
export function sharedMemoryStatus(path: string): HttpAnswer | null {
  return statusPath.test(path) ? jsonAnswer(200, []) : null;
}

/**
 * Unregisters regions of shared memory, which programs do before they start; null for another path. Throws
 * `request_malformed` for a region that is to be registered: tensors are not read from there.
 */
export function changeSharedMemory(path: string): HttpAnswer | null {
  const change = changePath.exec(path)?.[1];
  if (change === undefined) return null;
  if (change === 'register') throw malformed('shared memory is not read here; send the data of tensors');
  return { status: 200, body: '', contentType: 'application/json' };
}
