/** Rollouts of people and of loops as rows of one list. Pure. */
import type {
  ArmComparison,
  EndpointRollout,
  RolloutState,
  Turn,
  TurnState,
  TurnSummary,
} from '../../../../../../src/loop/contract.ts';
import { type PlanStep, prepareStepPlan } from '../../../../charts/prepare/step-plan.ts';
import type { State } from '../../../../charts/prepare/wheel.ts';
import { lastRollout, stepsOfTurn } from '../../../../kit/rollout/turn-rollout.ts';
import { humane, reasonOf, stateOfTurn, turnWord } from '../../../../kit/turn-text.ts';
import { planOfRollout, rolloutTitle, STATE_WORDS, stateOfRollout, stepsOfRollout } from '../course-text.ts';
import type { RolloutKind, RolloutStanding } from './standing.ts';

/** What a verdict rests on, with the versions that it compares. */
export type RowVerdict = {
  readonly comparison: ArmComparison;
  readonly champion: string;
  readonly challenger: string;
};

export type RolloutRow = {
  readonly key: string;
  /** An endpoint's own rollout, or that of a loop's turn: where it is shown in full. */
  readonly of: { readonly rollout: string } | { readonly turn: string; readonly label: string };
  readonly endpoint: string;
  readonly kind: RolloutKind;
  readonly title: string;
  readonly state: State;
  readonly word: string;
  readonly standing: RolloutStanding;
  readonly beganAt: string;
  readonly endedAt: string | null;
  readonly reason: string;
  /** Where a canary stands; null for kinds without steps. */
  readonly steps: readonly PlanStep[] | null;
  /** Shares of the traffic, 0..1, champion first; null for kinds with steps. */
  readonly shares: readonly { readonly arm: string; readonly share: number }[] | null;
  readonly verdict: RowVerdict | null;
};

const STANDING: Readonly<Record<RolloutState, RolloutStanding>> = {
  running: 'open',
  paused: 'open',
  ready: 'open',
  promoted: 'promoted',
  aborted: 'taken-back',
  'rolled-back': 'taken-back',
  ended: 'ended',
};

/** A rollout that somebody began on an endpoint. */
export function rowOfRollout(rollout: EndpointRollout): RolloutRow {
  const plan = planOfRollout(rollout);
  const steps = stepsOfRollout(rollout);
  return {
    key: rollout.id,
    of: { rollout: rollout.id },
    endpoint: rollout.endpoint,
    kind: plan.kind,
    title: rolloutTitle(rollout),
    state: stateOfRollout(rollout.state),
    word: STATE_WORDS[rollout.state].replace(/:.*/, ''),
    standing: STANDING[rollout.state],
    beganAt: rollout.createdAt,
    endedAt: rollout.endedAt,
    reason: humane(rollout.reason),
    steps: steps && prepareStepPlan(steps),
    shares: steps ? null : sharesOf(rollout),
    verdict: verdictOf(rollout.look, plan.metric, rollout.championVersion),
  };
}

/** Whether a turn may have reached the traffic; what it did there is only in the turn itself. */
export const mayBeRolledOut = (turn: TurnSummary): boolean =>
  turn.challengerVersion !== null && turn.championVersion !== null && !BEFORE_TRAFFIC.has(turn.state);

const BEFORE_TRAFFIC: ReadonlySet<TurnState> = new Set([
  'preparing',
  'training',
  'packaging',
  'evaluating',
  'gating',
  'refitting',
  'rejected',
]);

/** The rollout of a loop's turn; null when it never reached the traffic. */
export function rowOfTurn(turn: Turn): RolloutRow | null {
  const rollout = lastRollout(turn);
  const first = turn.rolloutHistory[0] ?? rollout;
  if (!rollout || !first) return null;
  const isBandit = rollout.stage === 'bandit';
  const metric = rollout.comparisons[0]?.metric ?? 'logLoss';
  return {
    key: turn.id,
    of: { turn: turn.id, label: `${turn.loop}, turn ${turn.number}` },
    endpoint: turn.endpoint,
    kind: isBandit ? 'bandit' : 'canary',
    title: `${isBandit ? 'Bandit' : 'Canary'} of v${turn.challengerVersion} beside v${turn.championVersion}`,
    state: stateOfTurn(turn.state),
    word: turnWord(turn.state),
    standing: standingOfTurn(turn),
    beganAt: first.since,
    endedAt: turn.finishedAt,
    reason: reasonOf(turn),
    steps: isBandit ? null : prepareStepPlan(stepsOfTurn(turn, rollout)),
    shares: isBandit ? (rollout.bandit?.arms ?? []).map(({ arm, share }) => ({ arm, share })) : null,
    verdict: verdictOf(rollout, metric, String(turn.championVersion)),
  };
}

function standingOfTurn(turn: Turn): RolloutStanding {
  if (turn.finishedAt === null) return 'open';
  if (turn.state === 'promoted') return 'promoted';
  return turn.state === 'rolled-back' ? 'taken-back' : 'ended';
}

/** Shares of an A/B as planned, of a bandit as it moved them last. */
function sharesOf(rollout: EndpointRollout): RolloutRow['shares'] {
  if (rollout.bandit) return rollout.bandit.arms.map(({ arm, share }) => ({ arm, share }));
  const { arms = [] } = rollout.plan as { arms?: readonly { arm: string; percent?: number }[] };
  const tried = arms.map(({ arm, percent = 0 }) => ({ arm, share: percent / 100 }));
  const rest = 1 - tried.reduce((sum, { share }) => sum + share, 0);
  return [{ arm: 'champion', share: Math.max(0, rest) }, ...tried];
}

/** The primary metric over all requests; of several arms the one that is furthest ahead. */
function verdictOf(
  look: Pick<NonNullable<EndpointRollout['look']>, 'arms' | 'comparisons'> | null,
  metric: string,
  champion: string,
): RowVerdict | null {
  const [comparison] = (look?.comparisons ?? [])
    .filter((each) => each.metric === metric && each.segment === null && each.difference !== null)
    .toSorted((a, b) => (b.difference ?? 0) - (a.difference ?? 0));
  const challenger = look?.arms.find((arm) => arm.arm === comparison?.arm)?.version;
  return comparison && challenger !== undefined ? { comparison, champion, challenger } : null;
}

/** Under way first, then the newest. */
export const inOrder = (rows: readonly RolloutRow[]): readonly RolloutRow[] =>
  rows.toSorted(
    (a, b) =>
      Number(b.standing === 'open') - Number(a.standing === 'open') ||
      Date.parse(b.beganAt) - Date.parse(a.beganAt),
  );
