import { readTurn } from '../read.ts';
import { abortRollout, endLost } from '../states/end-rollout.ts';
import { hasRollout } from '../states/followed-rollout.ts';
import { liveHarm } from '../states/look-at-rollout.ts';
import { carryOut } from './carry-out.ts';
import type { EngineDeps } from './loop-engine.ts';
import type { LoopWriter } from './loop-writer.ts';
import { makeTurnContext } from './make-turn-context.ts';
import { clockKey, lookAt } from './reconcile.ts';
import { stopSteps } from './stop-steps.ts';

/**
 * Ends the rollout of a loop's turn if it has lost its traffic, or what has come in by now says harm; all else that there
 * is to decide waits for the next look. To be called while nothing else acts on the loop; it waits for no look at it.
 */
export async function endHarm(name: string, deps: EngineDeps, writer: LoopWriter): Promise<void> {
  const loop = await lookAt(name, deps);
  if (!loop || loop.row.active_turn_id === null) return;
  const turn = await readTurn(deps.db.read, loop.row.active_turn_id);
  const context = makeTurnContext(deps, loop, turn, loop.moment);
  if (!hasRollout(context)) return;
  const lost = turn.data.rollout && (await endLost(context, turn.data.rollout));
  if (lost) return carryOut(deps, writer, turn, context, lost, loop.moment);
  // Times of before the clock was set are moved along first.
  const harm = deps.clockSteps.of(clockKey(name), turn.data.clock) === 0 ? liveHarm(context) : null;
  if (!harm) return;
  // A step that is giving the challenger more traffic must not do so afterwards.
  if (harm.routeVersion === null) await stopSteps(deps, turn.row.id, harm.reason);
  await carryOut(deps, writer, turn, context, abortRollout(context, harm, harm.reason), loop.moment);
}
