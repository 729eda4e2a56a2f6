/** Rollouts of people and of loops as rows of one list. Pure. */
import type { ArmComparison, EndpointRollout, RolloutState } from '../../../../../../src/loop/contract.ts';
import { type PlanStep, prepareStepPlan } from '../../../../charts/prepare/step-plan.ts';
import type { State } from '../../../../charts/prepare/wheel.ts';
import { needText } from '../../../../kit/rollout/evidence-text.ts';
import { humane, stateOfTurn, turnWord } from '../../../../kit/turn-text.ts';
import {
  armNames,
  countedVersions,
  planOfRollout,
  rolloutTitle,
  STATE_WORDS,
  stateOfRollout,
  stepsOfRollout,
} from '../course-text.ts';
import type { RolloutKind, RolloutStanding } from './standing.ts';

export type RolloutRow = {
  readonly key: string;
  /** An endpoint's own rollout, or that of a loop's turn: where it is shown in full. */
  readonly of: { readonly rollout: string } | { readonly turn: string; readonly label: string };
  readonly endpoint: string;
  readonly kind: RolloutKind;
  readonly title: string;
  /** The versions that the title only counts; null: it names them. */
  readonly versions: string | null;
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
  /** Names of the arms that are tried. */
  readonly arms: readonly string[];
  /** What outcomes say so far; null: nothing. */
  readonly verdict: string | null;
  /** What it rests on, to be drawn; of several arms that which is furthest ahead. */
  readonly comparison: ArmComparison | null;
  /** What the present step still needs; empty: nothing, or it has ended. */
  readonly needs: string;
};

const STANDING: Readonly<Record<RolloutState, RolloutStanding>> = {
  running: 'open',
  paused: 'open',
  ready: 'open',
  promoted: 'promoted',
  aborted: 'aborted',
  'rolled-back': 'rolled-back',
  ended: 'ended',
};

/** What is over or under way in a word; who waits for a person says so. */
const LIST_WORDS: Readonly<Record<RolloutState, string>> = {
  ...STATE_WORDS,
  ready: 'waits for you to promote',
};

/** A rollout that somebody began on an endpoint, or a loop's turn. */
export function rowOfRollout(rollout: EndpointRollout): RolloutRow {
  const { id, endpoint, turn, state, look, step, summary } = rollout;
  const plan = planOfRollout(rollout);
  const steps = stepsOfRollout(rollout);
  const comparison = furthest(look, plan.metric);
  return {
    key: id,
    of: turn ? { turn: id, label: `${turn.loop}, turn ${turn.number}` } : { rollout: id },
    endpoint,
    kind: plan.kind,
    title: rolloutTitle(rollout),
    versions: countedVersions(rollout),
    state: turn ? stateOfTurn(turn.state) : stateOfRollout(state),
    word: turn && state !== 'paused' ? turnWord(turn.state) : LIST_WORDS[state],
    standing: STANDING[state],
    beganAt: rollout.createdAt,
    endedAt: rollout.endedAt,
    reason: humane(rollout.reason),
    steps: steps && prepareStepPlan(steps),
    shares: steps ? null : sharesOf(rollout),
    arms: armNames(rollout),
    verdict: comparison && humane(summary.verdict),
    comparison,
    needs: look && STANDING[state] === 'open' ? needText(look, step.stage) : '',
  };
}

/** Shares of an A/B as planned, of a bandit as it moved them last. */
function sharesOf(rollout: EndpointRollout): RolloutRow['shares'] {
  if (rollout.bandit) return rollout.bandit.arms.map(({ arm, share }) => ({ arm, share }));
  const { arms = [] } = rollout.plan as { arms?: readonly { arm: string; percent?: number }[] };
  const tried = arms.map(({ arm, percent = 0 }) => ({ arm, share: percent / 100 }));
  const rest = 1 - tried.reduce((sum, { share }) => sum + share, 0);
  return [{ arm: 'champion', share: Math.max(0, rest) }, ...tried];
}

/** The primary metric over all requests; of several arms the one that is furthest ahead, as the summary says it. */
function furthest(look: EndpointRollout['look'], metric: string): ArmComparison | null {
  const [comparison] = (look?.comparisons ?? [])
    .filter((each) => each.metric === metric && each.segment === null && each.difference !== null)
    .toSorted((a, b) => (b.difference ?? 0) - (a.difference ?? 0));
  return comparison ?? null;
}

/** Under way first, then the newest. */
export const inOrder = (rows: readonly RolloutRow[]): readonly RolloutRow[] =>
  rows.toSorted(
    (a, b) =>
      Number(b.standing === 'open') - Number(a.standing === 'open') ||
      Date.parse(b.beganAt) - Date.parse(a.beganAt),
  );
