import { randomBytes } from 'node:crypto';
import { fail } from '../../core/errors.ts';
import { formatTime } from '../../core/time.ts';
import type { Actor } from '../../platform/access/index.ts';
import { type OverrideToken, overrideHeader } from './contract.ts';
import { signOverride } from './override-token.ts';
import { armOf } from './route-changes.ts';
import type { RouteWriter, RouteWriterOptions } from './route-writer.ts';

/** A token that is asked for: which arm it chooses, and for how long it is good. */
export interface AskedToken {
  readonly arm: string;
  readonly ttlMs: number;
  readonly reason: string;
}

/** Signs a token with the endpoint's key, which the first one makes. Throws `not_found`, `endpoint_no_arm`. */
export async function createOverrideToken(
  writer: RouteWriter,
  { db, journal, clock }: Pick<RouteWriterOptions, 'db' | 'journal' | 'clock'>,
  actor: Actor,
  name: string,
  { arm, ttlMs, reason }: AskedToken,
): Promise<OverrideToken> {
  const known = await writer.known(name);
  if (!armOf(known.route, arm)) throw fail('endpoint_no_arm', { endpoint: name, arm, action: 'choose' });
  const { route } = await writer.change(name, { actor, action: 'override', reason }, (now) =>
    now.overrideKey === undefined ? { overrideKey: randomBytes(32).toString('base64url') } : null,
  );
  const expiresAtMs = clock.nowMs() + ttlMs;
  await db.write((tx) =>
    journal.appendAudit(tx, {
      actor,
      action: 'serving:override-token',
      subject: { kind: 'endpoint', id: name },
      after: { arm, expiresAt: formatTime(expiresAtMs) },
      reason,
    }),
  );
  const token = signOverride(route.overrideKey ?? '', name, { arm, expiresAtMs });
  return { header: overrideHeader, token, expiresAt: formatTime(expiresAtMs) };
}
