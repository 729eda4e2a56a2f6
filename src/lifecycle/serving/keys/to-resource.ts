import { formatTime } from '../../../core/time.ts';
import type { EndpointKey } from './contract.ts';
import type { StoredKey } from './make-key.ts';

/** A key as it is shown. */
export function toResource(key: StoredKey): EndpointKey {
  const { id, name, hint, endpoints, actions, expiresAtMs, revokedAtMs, createdBy, createdAtMs } = key;
  return {
    id,
    name,
    hint,
    endpoints: endpoints && [...endpoints],
    actions: [...actions],
    expiresAt: expiresAtMs === null ? null : formatTime(expiresAtMs),
    revokedAt: revokedAtMs === null ? null : formatTime(revokedAtMs),
    createdBy,
    createdAt: formatTime(createdAtMs),
  };
}
