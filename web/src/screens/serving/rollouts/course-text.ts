import type { EndpointRollout, RolloutMetric, RolloutState } from '../../../../../src/loop/contract.ts';
import type { Look } from '../../../charts/prepare/confidence-sequence.ts';
import type { PlanInput } from '../../../charts/prepare/step-plan.ts';
import type { State } from '../../../charts/prepare/wheel.ts';
import { plural } from '../../../kit/format.ts';
import { needText } from '../../../kit/rollout/evidence-text.ts';

/** What the screens read of a plan; which members are there depends on its kind. */
type PlanRead = {
  readonly kind: 'canary' | 'split' | 'bandit';
  readonly metric: RolloutMetric;
  readonly margin: number;
  readonly minLabels: number;
  readonly prove: 'notWorse' | 'better';
  readonly steps?: readonly number[];
  readonly shadow?: unknown;
  readonly promote?: 'auto' | 'manual';
};

export const planOfRollout = (rollout: EndpointRollout): PlanRead => rollout.plan as PlanRead;

const KIND: Readonly<Record<PlanRead['kind'], string>> = { canary: 'Canary', split: 'A/B', bandit: 'Bandit' };

/** `Canary of v2 beside v1`, `A/B of v2 and v3 beside v1`. */
export function rolloutTitle(rollout: EndpointRollout): string {
  return `${KIND[planOfRollout(rollout).kind]} of ${triedVersions(rollout)} beside v${rollout.championVersion}`;
}

/** The versions of a rollout's plan. */
function versionsTried(rollout: EndpointRollout): readonly number[] {
  const { version, arms } = rollout.plan as { version?: number; arms?: readonly { version: number }[] };
  return version === undefined ? (arms ?? []).map((arm) => arm.version) : [version];
}

/** What the arms are called to which the plan gives a name of its own. */
export function armNames(rollout: EndpointRollout): readonly string[] {
  const { arms = [] } = rollout.plan as { arms?: readonly { arm: string }[] };
  return arms.map(({ arm }) => arm);
}

/** Whether a version of the rollout was promoted and is the endpoint's champion still. */
export function isPromoted(rollout: EndpointRollout, champion: string | undefined): boolean {
  return rollout.state === 'promoted' && versionsTried(rollout).some((v) => String(v) === champion);
}

/** More versions than these are counted where a line has to name them. */
const NAMED_VERSIONS = 4;

/** `v2`, or `v2 and v3`: what is tried; of many `19 challengers`. */
export function triedVersions(rollout: EndpointRollout): string {
  const tried = versionsTried(rollout);
  return tried.length > NAMED_VERSIONS ? plural(tried.length, 'challenger') : listed(tried);
}

/** All versions of which `triedVersions` only tells the number; null: it names them. */
export function countedVersions(rollout: EndpointRollout): string | null {
  const tried = versionsTried(rollout);
  return tried.length > NAMED_VERSIONS ? listed(tried) : null;
}

function listed(tried: readonly number[]): string {
  const versions = tried.map((v) => `v${v}`);
  return versions.length < 2
    ? (versions[0] ?? '')
    : `${versions.slice(0, -1).join(', ')} and ${versions.at(-1)}`;
}

export const STATE_WORDS: Readonly<Record<RolloutState, string>> = {
  running: 'running',
  paused: 'paused',
  ready: 'ready: proved, and waits for you to promote',
  promoted: 'promoted',
  aborted: 'aborted',
  'rolled-back': 'rolled back',
  ended: 'ended',
};

/** A rollout's state as a mark: what waits for a person is to be seen; an abort is the judge doing its duty. */
export function stateOfRollout(state: RolloutState): State {
  if (state === 'running') return 'running';
  if (state === 'promoted') return 'good';
  return state === 'ended' ? 'none' : 'watch';
}

/** Where a canary stands, for the picture of its steps; null for kinds without steps. */
export function stepsOfRollout(rollout: EndpointRollout): PlanInput | null {
  const plan = planOfRollout(rollout);
  if (!plan.steps) return null;
  const { state, step, look } = rollout;
  const open = state === 'running' || state === 'paused' || state === 'ready';
  return {
    steps: plan.steps,
    shadow: plan.shadow !== null && plan.shadow !== undefined,
    stage: open
      ? step.stage === 'shadow'
        ? 'shadow'
        : 'canary'
      : state === 'promoted'
        ? 'promoted'
        : 'stopped',
    end: stateOfRollout(state),
    step: step.index,
    early: (step.index ?? -1) < plan.steps.length - 1,
    needs: look ? [look.requests, look.labels, look.timeMs] : [],
    note: open && look ? needText(look, step.stage) : '',
  };
}

/** The course of one comparison, oldest first; looks after equally many outcomes are one. Above 0 is better. */
export function courseOf(rollout: EndpointRollout, arm: string, metric: string): readonly Look[] {
  const looks = rollout.looks.flatMap((past) => {
    const found = past.comparisons.find((c) => c.arm === arm && c.metric === metric);
    if (!found || found.difference === null || found.low === null || found.high === null) return [];
    const { n: pairs, difference: value, low, high } = found;
    return [
      { pairs, value, low, high, at: past.stage === 'shadow' ? 'in shadow' : `at ${past.percent}\u202f%` },
    ];
  });
  return [...new Map(looks.map((look) => [look.pairs, look])).values()];
}
