import { formatTime } from '../../core/time.ts';
import { comparisonText } from '../contract/comparison-text.ts';
import type {
  EndpointRollout,
  Rollout,
  RolloutLook,
  RolloutSpec,
  RolloutState,
  TurnState,
} from '../contract.ts';
import { banditPlanOf, planOf } from '../file/plan-of.ts';
import { timeOrNull } from '../present.ts';
import type { TurnRecord } from '../read.ts';
import { openStates, type RolloutRecord } from './store.ts';

/** A rollout as people see it. */
export function presentRollout(record: RolloutRecord): EndpointRollout {
  const { id, endpoint, state, data, createdAtMs, updatedAtMs } = record;
  const { model, championVersion, spec, step, look, looks, earlier, bandit, decisions, reason } = data;
  return {
    id,
    turn: null,
    endpoint,
    model,
    state,
    championVersion,
    plan: { ...spec },
    look,
    bandit,
    reason,
    summary: summaryOf(spec, look, state, reason),
    step: { ...step, sinceEventTime: step.sinceEventTime ?? null, isProved: step.isProved ?? false },
    looks: [...looks],
    earlier: [...earlier],
    decisions: [...decisions],
    createdAt: formatTime(createdAtMs),
    updatedAt: formatTime(updatedAtMs),
    endedAt: timeOrNull(data.endedAtMs),
    coolUntil: timeOrNull(data.coolUntilMs),
  };
}

/**
 * The rollout of a loop's turn in the same shape; undefined for a turn without one. Its decisions are the turn's
 * transitions.
 */
export function presentTurnRollout(
  { row, state: turnState, data, file }: TurnRecord,
  endpoint: string,
  isPaused: boolean,
): EndpointRollout | undefined {
  const rollout = data.rollout ?? data.rolloutHistory.at(-1);
  const first = data.rolloutHistory[0] ?? rollout;
  const state = stateOfTurn(turnState, isPaused);
  if (!rollout || !first || !state || row.challenger_version === null) return undefined;
  const canary = planOf(file, row.challenger_version);
  const spec = (rollout.stage === 'bandit' && banditPlanOf(file, row.challenger_version)) || canary;
  const look = lookOf(rollout);
  const isMoving = turnState === 'shadow' || turnState === 'canary';
  const reason = isMoving ? rollout.reason : row.reason;
  const { stage, step: index, percent, routeVersion, since, sinceEventTime, isProved, bandit } = rollout;
  return {
    id: row.id,
    turn: { loop: row.loop, number: row.number, state: turnState },
    endpoint,
    model: row.loop,
    state,
    championVersion: String(row.champion_version),
    plan: { ...spec },
    look,
    bandit,
    reason,
    summary: summaryOf(spec, look, state, reason),
    step: { stage, index, percent, routeVersion: routeVersion ?? 0, since, sinceEventTime, isProved },
    looks: [],
    earlier: [],
    decisions: [],
    createdAt: first.since,
    updatedAt: rollout.assessedAt ?? since,
    endedAt: timeOrNull(row.finished_at_ms),
    coolUntil: null,
  };
}

/** What a turn's state is as that of a rollout; undefined where a turn has nothing to do with traffic. */
function stateOfTurn(state: TurnState, isPaused: boolean): RolloutState | undefined {
  switch (state) {
    case 'shadow':
    case 'canary':
    case 'promoting':
      return isPaused ? 'paused' : 'running';
    case 'awaiting-approval':
      return 'ready';
    case 'promoted':
      return 'promoted';
    case 'rolled-back':
      return 'aborted';
    case 'failed':
    case 'cancelled':
      return 'ended';
    default:
      return undefined;
  }
}

function lookOf(rollout: Rollout): RolloutLook | null {
  const { assessedAt: at, requests, labels, timeMs, arms, comparisons, guardrails, shadow } = rollout;
  const { verdict, reason } = rollout;
  if (at === null) return null;
  return { at, requests, labels, timeMs, arms, comparisons, guardrails, shadow, verdict, reason };
}

/** Of several arms the one that is furthest ahead speaks for the rollout. */
function summaryOf(
  { metric }: RolloutSpec,
  look: RolloutLook | null,
  state: RolloutState,
  reason: string,
): EndpointRollout['summary'] {
  const [first] = (look?.comparisons ?? [])
    .filter((c) => c.metric === metric && c.segment === null && c.difference !== null)
    .toSorted((a, b) => (b.difference ?? 0) - (a.difference ?? 0));
  const difference = first?.difference ?? 0;
  const leads = difference === 0 ? null : difference > 0 ? (first?.arm ?? null) : 'champion';
  const isKnown = first !== undefined && ((first.low ?? 0) > 0 || (first.high ?? 0) < 0);
  return {
    leads,
    isKnown,
    verdict: first ? comparisonText(first) : 'nothing is known by outcomes yet',
    requests: look?.requests ?? null,
    labels: look?.labels ?? null,
    waitsFor: openStates.includes(state) ? reason : null,
  };
}
