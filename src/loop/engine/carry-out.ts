import { MillraceError } from '../../core/errors.ts';
import type { TurnRecord } from '../read.ts';
import { takeTraffic, tellAborted } from '../states/end-rollout.ts';
import { findLoop } from '../store/loops.ts';
import { findTurn } from '../store/turns.ts';
import type { EngineDeps } from './loop-engine.ts';
import type { LoopWriter, Moment } from './loop-writer.ts';
import type { Decision, TurnContext } from './turn-context.ts';

/**
 * Carries a decision about a turn out, unless somebody else has changed the turn, or held or released its loop, since
 * it was read. To be called while nothing else acts on the loop.
 */
export async function carryOut(
  deps: EngineDeps,
  writer: LoopWriter,
  { row, data }: TurnRecord,
  turn: TurnContext,
  decision: Decision,
  { nowMs, watermarkMs }: Moment,
): Promise<void> {
  const loop = await findLoop(deps.db.read, row.loop);
  const now = await findTurn(deps.db.read, row.id);
  if (now?.revision !== row.revision || (loop?.state === 'paused') !== turn.paused) return;
  const decided = await guarded(() => act(decision));
  if (decided.do === 'fail' && hasTraffic(turn)) {
    const reason = `turn ${turn.subject} failed: ${decided.message}`;
    await takeTraffic(turn, reason);
    if (data.rollout) await tellAborted(turn, data.rollout, reason.slice(0, 2000));
  }
  const hasTime = row.champion_version !== null;
  await writer.apply(row, data, decided, { nowMs, watermarkMs: hasTime ? watermarkMs : undefined });
}

/** A fault that trying again cannot mend fails the turn; others are thrown. */
export async function guarded(decide: () => Promise<Decision>): Promise<Decision> {
  try {
    return await decide();
  } catch (error) {
    if (!(error instanceof MillraceError) || error.status >= 500) throw error;
    return { do: 'fail', code: error.code, message: `${error.message}. ${error.next}`, stepRunId: null };
  }
}

/** Changes what is outside of the turn. */
async function act(decision: Decision): Promise<Decision> {
  if (!('act' in decision) || !decision.act) return decision;
  const known = await decision.act();
  if (known === undefined || decision.do === 'start') return decision;
  return { ...decision, change: { ...decision.change, ...known } };
}

const hasTraffic = ({ state, championVersion }: TurnContext): boolean =>
  championVersion !== null && (state === 'shadow' || state === 'canary' || state === 'promoting');
