import type { RolloutMetric } from '../../../../../src/loop/contract.ts';
import { formatCount } from '../../../kit/format.ts';
import { metricText } from '../../../kit/metric.ts';

/** How a version can come into traffic. The first three and the bandit are judged; a standby and a shadow only wait. */
export const planKinds = [
  ['canary', 'Canary'],
  ['split', 'A/B'],
  ['bandit', 'Bandit'],
  ['blueGreen', 'Blue/green'],
  ['shadow', 'Shadow'],
] as const;
type PlanKind = (typeof planKinds)[number][0];

/** What each kind does, in one sentence. */
export const kindText: Readonly<Record<PlanKind, string>> = {
  canary:
    'Grows step by step. Each step waits for its requests, labels and time; harm returns everybody at once.',
  split: 'Fixed shares until an arm is proved better on the metric. For a question, not for a release.',
  bandit: 'Traffic moves by itself to the arm that is rewarded, as labels come. A person ends it.',
  blueGreen:
    'The version is loaded and warm, without traffic. “Switch” then gives it everything at once, and back.',
  shadow:
    'The version sees copies of the traffic and nobody hears it. Nothing is judged and nothing changes.',
};

export const planMetrics: readonly (readonly [RolloutMetric, string])[] = [
  ['logLoss', 'Log loss'],
  ['brier', 'Brier score'],
  ['accuracy', 'Accuracy'],
  ['absoluteError', 'Absolute error'],
  ['squaredError', 'Squared error'],
  ['outcome', 'Outcome (the label itself)'],
  ['value', 'Value of the decision'],
];
/** Of which more is better: what a bandit may be rewarded by. */
export const rewardMetrics = planMetrics.filter(([name]) => ['accuracy', 'outcome', 'value'].includes(name));

export type ArmDraft = {
  readonly key: number;
  readonly arm: string;
  readonly version: string;
  readonly percent: string;
};
export type GuardDraft = { readonly key: number; readonly metric: RolloutMetric; readonly margin: string };

/** A plan as people write it: numbers and durations as text, shares in per cent, empty for none. */
export type PlanDraft = {
  readonly kind: PlanKind;
  /** One, but for A/B and bandits. */
  readonly arms: readonly ArmDraft[];
  readonly shadowRequests: string;
  readonly maxScoreShift: string;
  readonly maxDisagreement: string;
  readonly steps: string;
  readonly minRequests: string;
  readonly minTime: string;
  readonly mirror: boolean;
  readonly algorithm: 'thompson' | 'epsilonGreedy';
  readonly rewards: 'beta' | 'gaussian';
  readonly epsilon: string;
  readonly floor: string;
  readonly maxChange: string;
  readonly every: string;
  readonly rewardAfter: string;
  readonly metric: RolloutMetric;
  readonly prove: 'notWorse' | 'better';
  readonly margin: string;
  readonly minLabels: string;
  readonly threshold: string;
  readonly alpha: string;
  readonly truePositive: string;
  readonly falsePositive: string;
  readonly trueNegative: string;
  readonly falseNegative: string;
  readonly guardrails: readonly GuardDraft[];
  readonly segments: string;
  readonly segmentMargin: string;
  readonly maxErrors: string;
  readonly maxLatencyP99Ms: string;
  readonly maxLatencyRatio: string;
  readonly maxTime: string;
  readonly cooldown: string;
  readonly promote: 'auto' | 'manual' | 'never';
};

/** The members of a draft that are one line of text. */
export type TextMember = {
  [K in keyof PlanDraft]: PlanDraft[K] extends string ? (string extends PlanDraft[K] ? K : never) : never;
}[keyof PlanDraft];

/** A careful canary of the version. */
export function firstDraft(version: string): PlanDraft {
  return {
    kind: 'canary',
    arms: [{ key: 1, arm: 'b', version, percent: '10' }],
    maxScoreShift: '',
    maxDisagreement: '',
    shadowRequests: '200',
    steps: '1, 10, 50, 100',
    minRequests: '20',
    minTime: '',
    mirror: true,
    algorithm: 'thompson',
    rewards: 'beta',
    epsilon: '10',
    floor: '2',
    maxChange: '10',
    every: '10m',
    rewardAfter: '',
    metric: 'logLoss',
    prove: 'notWorse',
    margin: '0.02',
    minLabels: '200',
    threshold: '0.5',
    alpha: '5',
    truePositive: '',
    falsePositive: '',
    trueNegative: '',
    falseNegative: '',
    guardrails: [],
    segments: '',
    segmentMargin: '0.05',
    maxErrors: '1',
    maxLatencyP99Ms: '',
    maxLatencyRatio: '2',
    maxTime: '14d',
    cooldown: '1h',
    promote: 'auto',
  };
}

/** The draft as another kind: what that kind usually measures and how it usually ends. */
export function asKind(draft: PlanDraft, kind: PlanKind): PlanDraft {
  return {
    ...draft,
    kind,
    metric: kind === 'bandit' ? 'outcome' : draft.kind === 'bandit' ? 'logLoss' : draft.metric,
    prove: kind === 'canary' ? 'notWorse' : 'better',
    promote: kind === 'canary' ? 'auto' : kind === 'bandit' ? 'never' : 'manual',
  };
}

export const isMany = (kind: PlanKind): boolean => kind === 'split' || kind === 'bandit';
export const isJudged = (kind: PlanKind): boolean => kind !== 'blueGreen' && kind !== 'shadow';

/** The versions that the draft names, each once. */
export const versionsOf = (draft: PlanDraft): readonly string[] => [
  ...new Set((isMany(draft.kind) ? draft.arms : draft.arms.slice(0, 1)).map((arm) => arm.version)),
];

export const listOf = (text: string): readonly string[] =>
  text
    .split(/[,;\s]+/)
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** A number, else what was written, so that the server's answer names the field and the value. */
function number(written: string): number | string | undefined {
  const text = written.trim();
  if (text === '') return undefined;
  const value = Number(text.replace('%', ''));
  return Number.isNaN(value) ? text : value;
}

function ratio(percent: string): number | string | undefined {
  const value = number(percent);
  // 0.1 % is 0.001 and not 0.001000000001.
  return typeof value === 'number' ? Number((value / 100).toPrecision(12)) : value;
}

const text = (written: string): string | undefined => written.trim() || undefined;

function judging(draft: PlanDraft) {
  const { truePositive, falsePositive, trueNegative, falseNegative } = draft;
  const needsValue = [draft.metric, ...draft.guardrails.map((rail) => rail.metric)].includes('value');
  const worth = { truePositive, falsePositive, trueNegative, falseNegative };
  return {
    metric: draft.metric,
    prove: draft.prove,
    margin: number(draft.margin),
    alpha: ratio(draft.alpha),
    minRequests: number(draft.minRequests),
    minLabels: number(draft.minLabels),
    threshold: number(draft.threshold),
    value: needsValue
      ? Object.fromEntries(Object.entries(worth).map(([name, written]) => [name, number(written) ?? 0]))
      : undefined,
    guardrails: draft.guardrails.map(({ metric, margin }) => ({ metric, margin: number(margin) ?? 0 })),
    segments: listOf(draft.segments),
    segmentMargin: number(draft.segmentMargin),
    maxErrorRatio: ratio(draft.maxErrors),
    maxLatencyP99Ms: number(draft.maxLatencyP99Ms),
    maxLatencyRatio: number(draft.maxLatencyRatio),
    minTime: text(draft.minTime),
    maxTime: text(draft.maxTime),
    cooldown: text(draft.cooldown),
  };
}

/** The plan of a judged kind as the API takes it; members that are undefined take its defaults. */
export function planOf(draft: PlanDraft): unknown {
  const { kind, arms, promote } = draft;
  if (kind === 'split') {
    return {
      kind,
      promote,
      arms: arms.map(({ arm, version, percent }) => ({
        arm: arm.trim(),
        version: number(version),
        percent: number(percent),
      })),
      ...judging(draft),
    };
  }
  if (kind === 'bandit') {
    return {
      kind,
      arms: arms.map(({ arm, version }) => ({ arm: arm.trim(), version: number(version) })),
      algorithm: draft.algorithm,
      rewards: draft.rewards,
      every: text(draft.every),
      epsilon: draft.algorithm === 'epsilonGreedy' ? ratio(draft.epsilon) : undefined,
      floor: ratio(draft.floor),
      maxChange: ratio(draft.maxChange),
      rewardAfter: text(draft.rewardAfter),
      ...judging(draft),
    };
  }
  const copies = number(draft.shadowRequests);
  return {
    kind: 'canary',
    version: number(arms[0]?.version ?? ''),
    promote,
    mirror: draft.mirror,
    shadow:
      copies === undefined || copies === 0
        ? null
        : {
            minRequests: copies,
            maxScoreShift: number(draft.maxScoreShift),
            maxDisagreement: ratio(draft.maxDisagreement),
          },
    steps: listOf(draft.steps).map((step) => number(step)),
    ...judging(draft),
  };
}

/** What will happen, in one or two sentences, so that a person can check the plan before it begins. */
export function planText(draft: PlanDraft, champion: string): string {
  const { kind, arms } = draft;
  const [first] = arms;
  const name = `v${first?.version ?? ''}`;
  if (kind === 'blueGreen')
    return `${name} is loaded beside v${champion} and answers nobody until you switch.`;
  if (kind === 'shadow') return `${name} hears copies of what v${champion} answers, until you end it.`;
  const proof = `${metricText(draft.metric).title.toLowerCase()} is proved ${
    draft.prove === 'better' ? 'better' : `not worse by more than ${draft.margin.trim() || 0}`
  } on ${countText(draft.minLabels)} labelled outcomes`;
  if (kind === 'bandit') {
    const names = arms.map((arm) => `v${arm.version}`).join(', ');
    const end =
      draft.promote === 'never'
        ? 'It goes on until you end it.'
        : `An arm that is proved better ${draft.promote === 'auto' ? 'is promoted' : 'waits for you'}.`;
    return `v${champion} and ${names} begin with equal shares; every ${draft.every.trim() || '10m'} up to ${draft.maxChange}\u202f% moves to what earns more, and none has less than ${draft.floor}\u202f%. ${end}`;
  }
  if (kind === 'split') {
    const shares = arms.map((arm) => `v${arm.version} ${arm.percent || '?'}\u202f%`).join(', ');
    const rest = 100 - arms.reduce((sum, arm) => sum + Number(arm.percent), 0);
    const left = Number.isFinite(rest) ? `, v${champion} the other ${Number(rest.toFixed(4))}\u202f%` : '';
    const end = draft.promote === 'auto' ? 'It is promoted' : 'It waits for you';
    return `${shares}${left}. ${end} once an arm is proved better on ${metricText(draft.metric).title.toLowerCase()}.`;
  }
  const copies = number(draft.shadowRequests);
  const before = copies ? `hears copies of ${countText(draft.shadowRequests)} requests, then ` : '';
  const end = draft.promote === 'auto' ? 'it is promoted' : 'it waits for you to promote it';
  return `${name} ${before}answers ${listOf(draft.steps).join(' → ')}\u202f%; once ${proof}, ${end}.`;
}

const countText = (written: string): string => {
  const value = number(written);
  return typeof value === 'number' ? formatCount(value) : written;
};

/** Why the plan cannot begin yet; null when it can be sent. */
export function missingIn(draft: PlanDraft, reason: string): string | null {
  if (versionsOf(draft).some((version) => version === '')) return 'Choose a version';
  if (draft.kind === 'canary' && listOf(draft.steps).length === 0) return 'A canary needs at least one step';
  return reason.trim() === '' ? 'Say why' : null;
}
