import { systemActor } from '../../platform/access/index.ts';
import type { ClockSteps } from '../clock-steps.ts';
import type { PendingWork } from '../contract.ts';
import { type LoopRecord, readLoop, readTurn } from '../read.ts';
import { movedTime } from '../rollouts/moved-along.ts';
import { followedRollout, hasRollout } from '../states/followed-rollout.ts';
import { stateHandlers } from '../states/index.ts';
import { findLoop } from '../store/loops.ts';
import type { TurnData } from '../turn-data.ts';
import { bringUpMonitoring } from './bring-up-monitoring.ts';
import { carryOut, guarded } from './carry-out.ts';
import { followChampion } from './follow-champion.ts';
import type { EngineDeps, Standing } from './loop-engine.ts';
import type { LoopWriter, Moment } from './loop-writer.ts';
import { makeTurnContext } from './make-turn-context.ts';
import { startTurn } from './start-turn.ts';
import type { Decision, TurnContext } from './turn-context.ts';

/** Decisions taken in one look; more would mean that they lead in a circle. */
const longestChain = 100;

/** What a look at a loop is given by its engine. */
interface LookOptions {
  readonly stopped: () => boolean;
  /** Runs work while nothing else acts on the loop. What takes time is done outside of it. */
  readonly acting: <T>(work: () => Promise<T>) => Promise<T>;
  /** Told when what comes in for a rollout says harm. */
  readonly harmed: () => void;
}

/** Does everything for a loop that can be done now, and says what it waits for then. */
export async function reconcile(
  name: string,
  deps: EngineDeps,
  writer: LoopWriter,
  { stopped, acting, harmed }: LookOptions,
): Promise<Standing> {
  for (let n = 0; n < longestChain && !stopped(); n++) {
    const loop = await lookAt(name, deps);
    if (!loop)
      return { what: 'nothing: there is no such loop', pending: [], watermarkMs: undefined, settled: true };
    const { row, moment } = loop;
    const monitoring = await bringUpMonitoring(deps, loop, moment);
    if (monitoring === 'changed') continue;
    const pending: PendingWork[] = monitoring ? [monitoring] : [];

    if (row.active_turn_id === null) {
      deps.watch.keep(name, []);
      deps.clockSteps.forget(clockKey(name));
      const between = await acting(() => betweenTurns(name, deps, writer, monitoring !== undefined));
      if (between === 'changed') continue;
      return { what: between.waitsFor, pending, watermarkMs: moment.watermarkMs, settled: true };
    }

    const turn = await readTurn(deps.db.read, row.active_turn_id);
    const context = makeTurnContext(deps, loop, turn, moment);
    deps.watch.keep(name, followedRollout(context, deps.clock, harmed));
    const decision = keepTime(context, deps.clockSteps) ?? (await guarded(() => decide(context)));
    if (decision.do === 'wait') {
      if (decision.pending) pending.push(decision.pending);
      return { what: decision.what, pending, watermarkMs: moment.watermarkMs, settled: true };
    }
    await acting(() => carryOut(deps, writer, turn, context, decision, moment));
  }
  if (stopped())
    return { what: 'the server to start again', pending: [], watermarkMs: undefined, settled: true };
  throw new Error(`the loop did not come to rest after ${longestChain} changes`);
}

type LoopNow = LoopRecord & { readonly moment: Moment & { readonly live: boolean } };

/** A loop as it is now; undefined: there is none. */
export async function lookAt(name: string, deps: EngineDeps): Promise<LoopNow | undefined> {
  const row = await findLoop(deps.db.read, name);
  if (!row) return undefined;
  const { mode } = await deps.watermarks.describe(systemActor, row.endpoint);
  const watermarkMs = await deps.watermarks.get(row.endpoint);
  const moment = { nowMs: deps.clock.nowMs(), watermarkMs, live: mode === 'live' };
  return { ...(await readLoop(deps.db.read, row)), moment };
}

/** Follows the registry, and starts a turn if one may start now. */
async function betweenTurns(
  name: string,
  deps: EngineDeps,
  writer: LoopWriter,
  isMonitoring: boolean,
): Promise<'changed' | { readonly waitsFor: string }> {
  const loop = await lookAt(name, deps);
  if (!loop || loop.row.active_turn_id !== null || (await followChampion(deps, loop.row))) return 'changed';
  // Triggers are found by what monitoring says, so they wait for it.
  return isMonitoring ? { waitsFor: 'monitoring' } : startTurn(deps, writer, loop, loop.moment);
}

/** Under which the rollout of a loop's turn waits by the clock. */
export const clockKey = (loop: string): string => `loop/${loop}`;

/** After the clock was set, what a rollout waits for by it lasts as long as was said; null: it was not set. */
function keepTime(turn: TurnContext, clockSteps: ClockSteps): Decision | null {
  const { rollout, clock } = turn.data;
  const key = clockKey(turn.loop);
  const note = (change: Partial<TurnData>, act?: () => Promise<undefined>): Decision => {
    const reason = rollout?.reason ?? 'no rollout waits';
    return { do: 'note', change, reason, decides: false, ...(act ? { act } : {}) };
  };
  if (!turn.live || rollout === null || !hasRollout(turn)) {
    clockSteps.forget(key);
    return clock === null ? null : note({ clock: null });
  }
  const stepMs = clockSteps.of(key, clock);
  const mark = clockSteps.mark();
  if (stepMs === 0) return mark === null || clockSteps.isPresent(clock) ? null : note({ clock: mark });
  const moved = (time: string | null) => movedTime(time, stepMs);
  const { sinceEventTime, beganEventTime, weighedEventTime } = rollout;
  const times = {
    sinceEventTime: moved(sinceEventTime),
    beganEventTime: moved(beganEventTime),
    weighedEventTime: moved(weighedEventTime),
  };
  return note({ rollout: { ...rollout, ...times }, clock: mark }, async () => {
    clockSteps.movedAlong(key, stepMs);
    return undefined;
  });
}

/** Asks the state's handler. */
async function decide(turn: TurnContext): Promise<Decision> {
  const trafficState = turn.state === 'shadow' || turn.state === 'canary' || turn.state === 'promoting';
  const asked = turn.state === 'awaiting-approval' ? turn.data.approvals.at(-1) : undefined;
  const watched = trafficState || (asked?.stage === 'promotion' && asked.decision === null);
  if (turn.paused && !watched) return { do: 'wait', what: 'the loop to be resumed' };
  return stateHandlers[turn.state](turn);
}
