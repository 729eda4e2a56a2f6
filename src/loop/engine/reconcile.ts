import { MillraceError } from '../../core/errors.ts';
import { systemActor } from '../../platform/access/index.ts';
import type { PendingWork } from '../contract.ts';
import { readLoop, readTurn } from '../read.ts';
import { tellAborted } from '../states/end-rollout.ts';
import { followedRollout } from '../states/followed-rollout.ts';
import { stateHandlers } from '../states/index.ts';
import { findLoop } from '../store/loops.ts';
import { bringUpMonitoring } from './bring-up-monitoring.ts';
import { followChampion } from './follow-champion.ts';
import type { EngineDeps, Standing } from './loop-engine.ts';
import type { LoopWriter } from './loop-writer.ts';
import { makeTurnContext } from './make-turn-context.ts';
import { startTurn } from './start-turn.ts';
import type { Decision, TurnContext } from './turn-context.ts';

/** Decisions taken in one look; more would mean that they lead in a circle. */
const longestChain = 100;

/** Does everything for a loop that can be done now, and says what it waits for then. */
export async function reconcile(
  name: string,
  deps: EngineDeps,
  writer: LoopWriter,
  { stopped, wake }: { readonly stopped: () => boolean; readonly wake: () => void },
): Promise<Standing> {
  for (let n = 0; n < longestChain && !stopped(); n++) {
    const row = await findLoop(deps.db.read, name);
    if (!row)
      return { what: 'nothing: there is no such loop', pending: [], watermarkMs: undefined, settled: true };
    const loop = await readLoop(deps.db.read, row);
    const { mode } = await deps.watermarks.describe(systemActor, row.endpoint);
    const moment = {
      nowMs: deps.clock.nowMs(),
      watermarkMs: await deps.watermarks.get(row.endpoint),
      live: mode === 'live',
    };
    const monitoring = await bringUpMonitoring(deps, loop, moment);
    if (monitoring === 'changed') continue;
    const pending: PendingWork[] = monitoring ? [monitoring] : [];

    if (row.active_turn_id === null) {
      deps.watch.keep(name, []);
      if (await followChampion(deps, row)) continue;
      // Triggers are found by what monitoring says, so they wait for it.
      if (monitoring) return { what: 'monitoring', pending, watermarkMs: moment.watermarkMs, settled: true };
      const started = await startTurn(deps, writer, loop, moment);
      if (started === 'changed') continue;
      return { what: started.waitsFor, pending, watermarkMs: moment.watermarkMs, settled: true };
    }

    const turn = await readTurn(deps.db.read, row.active_turn_id);
    const context = makeTurnContext(deps, loop, turn, moment);
    deps.watch.keep(name, followedRollout(context, deps.clock, wake));
    const decision = await decide(context);
    if (decision.do === 'wait') {
      if (decision.pending) pending.push(decision.pending);
      return { what: decision.what, pending, watermarkMs: moment.watermarkMs, settled: true };
    }
    const hasTime = turn.row.champion_version !== null;
    await writer.apply(turn.row, turn.data, decision, {
      nowMs: moment.nowMs,
      watermarkMs: hasTime ? moment.watermarkMs : undefined,
    });
  }
  if (stopped())
    return { what: 'the server to start again', pending: [], watermarkMs: undefined, settled: true };
  throw new Error(`the loop did not come to rest after ${longestChain} changes`);
}

/** Asks the state's handler; a fault that trying again cannot mend fails the turn. */
async function decide(turn: TurnContext): Promise<Decision> {
  const trafficState = turn.state === 'shadow' || turn.state === 'canary' || turn.state === 'promoting';
  const asked = turn.state === 'awaiting-approval' ? turn.data.approvals.at(-1) : undefined;
  const watched = trafficState || (asked?.stage === 'promotion' && asked.decision === null);
  if (turn.paused && !watched) return { do: 'wait', what: 'the loop to be resumed' };
  let decision: Decision;
  try {
    decision = await stateHandlers[turn.state](turn);
  } catch (error) {
    if (!(error instanceof MillraceError) || error.status >= 500) throw error;
    decision = { do: 'fail', code: error.code, message: `${error.message}. ${error.next}`, stepRunId: null };
  }
  if (decision.do === 'fail' && trafficState && turn.championVersion !== null) {
    const reason = `turn ${turn.subject} failed: ${decision.message}`.slice(0, 2000);
    await turn.ports.serving.withdraw(turn.endpoint, reason);
    await turn.ports.registry.setChallenger(turn.model, null, reason);
    if (turn.data.rollout) await tellAborted(turn, turn.data.rollout, reason);
  }
  return decision;
}
