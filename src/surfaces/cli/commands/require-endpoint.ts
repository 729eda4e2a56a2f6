import { z } from 'zod';
import type { CommandCall } from '../command.ts';

/**
 * For commands whose answer is empty both where nothing came in yet and where the name is mistyped. Throws
 * `ControlError` (`not_found`) for an endpoint that nobody knows.
 */
export async function requireEndpoint(call: CommandCall, endpoint: string): Promise<void> {
  await call.api.get('predictions', z.unknown(), { endpoint, limit: 1 });
}
