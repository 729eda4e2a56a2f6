import { randomBytes } from 'node:crypto';
import { fail } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import { parseTime } from '../../../core/time.ts';
import type { CreateEndpointKey, KeyAction } from './contract.ts';
import { createEndpointKeySchema } from './contract.ts';
import { digestOfKey } from './key-ring.ts';

const secretBytes = 32;
const prefix = 'mrk_';
const hintLength = prefix.length + 6;

/** What is kept of a key. */
export interface StoredKey {
  readonly id: string;
  readonly name: string;
  readonly digest: string;
  readonly hint: string;
  readonly endpoints: readonly string[] | null;
  readonly actions: readonly KeyAction[];
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
  readonly createdBy: string;
  readonly createdAtMs: number;
}

/**
 * Makes a key: 256 random bits, told once, and what is kept of it. Throws `invalid_time`, `invalid_input` for an end
 * that is past.
 */
export function makeKey(
  input: CreateEndpointKey,
  createdBy: string,
  nowMs: number,
): { readonly key: string; readonly stored: StoredKey } {
  const { name, endpoints, actions, expiresAt } = createEndpointKeySchema.parse(input);
  const expiresAtMs = expiresAt === null ? null : parseTime(expiresAt, 'expiresAt');
  if (expiresAtMs !== null && expiresAtMs <= nowMs) {
    throw fail('invalid_input', { field: 'expiresAt', problem: `${expiresAt} is past` });
  }
  const key = prefix + randomBytes(secretBytes).toString('base64url');
  const stored: StoredKey = {
    id: uuidv7(nowMs),
    name,
    digest: digestOfKey(key),
    hint: key.slice(0, hintLength),
    endpoints,
    actions: [...new Set(actions)],
    expiresAtMs,
    revokedAtMs: null,
    createdBy,
    createdAtMs: nowMs,
  };
  return { key, stored };
}
