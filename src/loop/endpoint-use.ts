import type { Tx } from '../platform/db/index.ts';
import { openRollouts } from './rollouts/store.ts';
import { findLoopByEndpoint } from './store/loops.ts';

/** What changes an endpoint by itself: its loop, unless that is paused, or a rollout under way; null: nothing does. */
export async function endpointUse(tx: Tx, endpoint: string): Promise<string | null> {
  const loop = await findLoopByEndpoint(tx, endpoint);
  if (loop && loop.state !== 'paused') return `loop ${loop.name}`;
  const [rollout] = await openRollouts(tx, endpoint);
  return rollout ? `rollout ${rollout.id}` : null;
}
