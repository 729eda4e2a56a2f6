import { z } from 'zod';
import { durationSchema } from './loopFile.ts';
import { guardrailSchema, progressSchema } from './turn.ts';

/**
 * Rollouts of an endpoint without a loop: what a person declares, what was seen of it, and what was decided.
 * Browser-safe.
 */

/**
 * What is measured of each answered request that has a label. `outcome` is the label itself (a click, a sale),
 * `value` what the decision earned by `value`; the others compare score and label.
 */
export const rolloutMetricSchema = z.enum([
  'logLoss',
  'brier',
  'accuracy',
  'absoluteError',
  'squaredError',
  'outcome',
  'value',
]);
export type RolloutMetric = z.infer<typeof rolloutMetricSchema>;

/** Metrics of which more is better. */
export const risingMetrics: readonly RolloutMetric[] = ['accuracy', 'outcome', 'value'];

const reason = z.string().trim().min(1).max(2000);
const armName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected small letters, digits or dash (at most 40)')
  .refine((name) => !['champion', 'shadow', 'standby'].includes(name), 'this name has a meaning of its own');
const version = z.int().min(1);

/** Money (or any other unit) that each kind of decision is worth. */
const valueSchema = z.strictObject({
  truePositive: z.number(),
  falsePositive: z.number(),
  trueNegative: z.number(),
  falseNegative: z.number(),
});

/** How the arms are compared. Every statement of a rollout together is wrong with probability at most `alpha`. */
const judgingShape = {
  metric: rolloutMetricSchema.default('logLoss'),
  alpha: z.number().gt(0).lt(0.5).default(0.05),
  /** How much worse the metric may still be, for all that is known, of a version that is promoted. */
  margin: z.number().min(0).default(0.02),
  /** What must be proved before promotion: `notWorse` by more than the margin, or `better`. */
  prove: z.enum(['notWorse', 'better']).default('notWorse'),
  /** A score at or above it is a positive decision. */
  threshold: z.number().default(0.5),
  value: valueSchema.optional(),
  /** Further metrics that must not get worse by more than their margins. */
  guardrails: z
    .array(z.strictObject({ metric: rolloutMetricSchema, margin: z.number().min(0) }))
    .max(10)
    .default([]),
  /** Features whose values (the ten most frequent) are protected: none may get worse by more than the margin. */
  segments: z.array(z.string().min(1)).max(5).default([]),
  segmentMargin: z.number().min(0).default(0.05),
  maxErrorRatio: z.number().gt(0).lt(1).default(0.01),
  /** 99 of 100 answers must be faster. Not checked unless given. */
  maxLatencyP99Ms: z.number().positive().optional(),
  /** How many times the champion's 99th percentile the challenger's may be. */
  maxLatencyRatio: z.number().min(1).default(2),
  /** Labelled outcomes that a comparison must rest on; it is tightest there. */
  minLabels: z.int().min(0).default(200),
  minTime: durationSchema.default('0s'),
  /** What is undecided by then has ended: a canary is aborted. */
  maxTime: durationSchema.default('14d'),
  /** How long an aborted version may not be rolled out again. */
  cooldown: durationSchema.default('1h'),
} as const;

const canarySchema = z.strictObject({
  kind: z.literal('canary'),
  version,
  /** Copies of the traffic before anybody is answered; null: begin with the first step. */
  shadow: z
    .strictObject({ minRequests: z.int().min(1).default(200) })
    .nullable()
    .default({ minRequests: 200 }),
  /** Percent of the traffic, growing. */
  steps: z
    .array(z.number().gt(0).max(100))
    .min(1)
    .default([1, 10, 50, 100])
    .refine(
      (steps) => steps.every((step, i) => i === 0 || step > (steps[i - 1] ?? 0)),
      'the steps must grow',
    ),
  minRequests: z.int().min(0).default(20),
  /** Whether the champion's requests are copied to the challenger, so that both are compared on the same ones. */
  mirror: z.boolean().default(true),
  promote: z.enum(['auto', 'manual']).default('auto'),
  ...judgingShape,
});

const splitSchema = z.strictObject({
  kind: z.literal('split'),
  /** The champion has what these leave. */
  arms: z
    .array(z.strictObject({ arm: armName, version, percent: z.number().gt(0).lt(100) }))
    .min(1)
    .max(19),
  promote: z.enum(['auto', 'manual']).default('manual'),
  ...judgingShape,
});

const banditSchema = z.strictObject({
  kind: z.literal('bandit'),
  arms: z
    .array(z.strictObject({ arm: armName, version }))
    .min(1)
    .max(19),
  algorithm: z.enum(['thompson', 'epsilonGreedy']).default('thompson'),
  /** `beta` for rewards in 0..1, `gaussian` for any number. */
  rewards: z.enum(['beta', 'gaussian']).default('beta'),
  epsilon: z.number().gt(0).lt(1).default(0.1),
  /** Share of the traffic that every arm keeps. */
  floor: z.number().gt(0).max(0.2).default(0.02),
  /** How much a share may change at a time. */
  maxChange: z.number().gt(0).max(1).default(0.1),
  /** Time between two changes of the shares. */
  every: durationSchema.default('10m'),
  /** A request without a label counts as reward 0 after this time (no click came); left out: it waits. */
  rewardAfter: durationSchema.optional(),
  ...judgingShape,
  metric: rolloutMetricSchema.default('outcome'),
});

/** What is rolled out, and how. */
export const rolloutSpecSchema = z
  .discriminatedUnion('kind', [canarySchema, splitSchema, banditSchema])
  .superRefine((spec, context) => {
    const metrics = [spec.metric, ...spec.guardrails.map((g) => g.metric)];
    if (metrics.includes('value') && !spec.value) {
      context.addIssue({ code: 'custom', path: ['value'], message: 'the metric "value" needs it' });
    }
    if (spec.kind === 'canary') return;
    if (new Set(spec.arms.map((a) => a.arm)).size !== spec.arms.length) {
      context.addIssue({ code: 'custom', path: ['arms'], message: 'each arm needs its own name' });
    }
    const percent = spec.kind === 'split' ? spec.arms.reduce((sum, a) => sum + a.percent, 0) : 0;
    if (percent >= 100) {
      context.addIssue({ code: 'custom', path: ['arms'], message: 'nothing is left for the champion' });
    }
    if (spec.kind === 'bandit' && spec.floor * (spec.arms.length + 1) > 1) {
      context.addIssue({ code: 'custom', path: ['floor'], message: 'the arms have too many floors' });
    }
  });
export type RolloutSpec = z.output<typeof rolloutSpecSchema>;

/** POST /api/v1/endpoints/:endpoint/rollouts */
export const createRolloutSchema = z.strictObject({ plan: rolloutSpecSchema, reason });
export type CreateRollout = z.output<typeof createRolloutSchema>;

/** An arm beside the champion on one metric: `difference` above 0 is better, whatever the metric. */
export const armComparisonSchema = z.object({
  arm: z.string(),
  metric: rolloutMetricSchema,
  /** The protected segment; null: all requests. */
  segment: z.object({ feature: z.string(), value: z.string() }).nullable(),
  /** Same requests scored by both, or the arms' own requests. */
  compared: z.enum(['pairs', 'arms']),
  n: z.int(),
  champion: z.number().nullable(),
  challenger: z.number().nullable(),
  difference: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  alpha: z.number(),
  margin: z.number(),
  /** `worse`: below 0 (below the margin, for guardrails and segments); `notWorse`: above −margin; `better`: above 0. */
  verdict: z.enum(['worse', 'undecided', 'notWorse', 'better']),
});
export type ArmComparison = z.infer<typeof armComparisonSchema>;

/** What copies of the traffic say of a version, beside what the champion's own halves say of each other. */
export const shadowComparisonSchema = z.object({
  segment: z.object({ feature: z.string(), value: z.string() }).nullable(),
  pairs: z.int(),
  meanDistance: z.number().nullable(),
  /** Share of pairs with the same decision at the threshold. */
  agreement: z.number().nullable(),
  /** Jensen-Shannon distance of the scores, and of two random halves of the champion's. */
  scoreShift: z.number().nullable(),
  scoreNoise: z.number().nullable(),
  latencyP99Ms: z.number().nullable(),
  championLatencyP99Ms: z.number().nullable(),
  /** 99th percentiles of two random halves of the champion's answers, the larger over the smaller. */
  latencyNoiseRatio: z.number().nullable(),
});
export type ShadowComparison = z.infer<typeof shadowComparisonSchema>;

const offPolicySchema = z.object({
  value: z.number().nullable(),
  standardError: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  n: z.number(),
  effectiveN: z.number(),
});

/** What the bandit knows and does; `policies` is what all traffic to one arm, or an even split, would have earned. */
export const banditStateSchema = z.object({
  arms: z.array(
    z.object({
      arm: z.string(),
      rewards: z.int(),
      mean: z.number().nullable(),
      wanted: z.number(),
      share: z.number(),
    }),
  ),
  policies: z.array(
    z.object({
      policy: z.string(),
      ips: offPolicySchema,
      snips: offPolicySchema,
      doublyRobust: offPolicySchema,
    }),
  ),
  changedAt: z.string().nullable(),
});
export type BanditState = z.infer<typeof banditStateSchema>;

export const armSeenSchema = z.object({
  arm: z.string(),
  version: z.string(),
  requests: z.int(),
  failed: z.int(),
  /** Share of answered requests without a label yet. */
  waiting: z.number().nullable(),
  labelled: z.int(),
  latencyP99Ms: z.number().nullable(),
  /** Between which bounds the 99th percentile lies; null: not bounded yet. */
  latencyP99LowMs: z.number().nullable().default(null),
  latencyP99HighMs: z.number().nullable().default(null),
  mean: z.number().nullable(),
});
export type ArmSeen = z.infer<typeof armSeenSchema>;

/** One look at a rollout. */
export const rolloutLookSchema = z.object({
  at: z.string(),
  requests: progressSchema,
  labels: progressSchema,
  timeMs: progressSchema,
  arms: z.array(armSeenSchema),
  comparisons: z.array(armComparisonSchema),
  guardrails: z.array(guardrailSchema),
  shadow: z.array(shadowComparisonSchema),
  verdict: z.enum(['waiting', 'pass', 'fail']),
  reason: z.string(),
});
export type RolloutLook = z.infer<typeof rolloutLookSchema>;

/** `ready`: all is proved and a person promotes. `ended`: its time was over, or somebody else changed the traffic. */
export const rolloutStateSchema = z.enum([
  'running',
  'paused',
  'ready',
  'promoted',
  'aborted',
  'rolled-back',
  'ended',
]);
export type RolloutState = z.infer<typeof rolloutStateSchema>;

export const rolloutStepSchema = z.object({
  stage: z.enum(['shadow', 'canary', 'split', 'bandit']),
  /** Index into the plan's steps; null unless canary. */
  index: z.int().nullable(),
  /** Percent of the traffic that is not the champion's. */
  percent: z.number(),
  routeVersion: z.int(),
  since: z.string(),
});
export type RolloutStep = z.infer<typeof rolloutStepSchema>;

/** What is kept of an earlier look, so that the course of a rollout can be drawn. */
export const rolloutPastLookSchema = z.object({
  at: z.string(),
  stage: rolloutStepSchema.shape.stage,
  percent: z.number(),
  arms: z.array(armSeenSchema.pick({ arm: true, requests: true, labelled: true })),
  /** Over all requests, without segments. */
  comparisons: z.array(
    armComparisonSchema.pick({ arm: true, metric: true, n: true, difference: true, low: true, high: true }),
  ),
});
export type RolloutPastLook = z.infer<typeof rolloutPastLookSchema>;

export const rolloutDecisionSchema = z.object({
  at: z.string(),
  actor: z.string(),
  action: z.enum([
    'start',
    'advance',
    'pause',
    'resume',
    'abort',
    'promote',
    'rollback',
    'weights',
    'ready',
    'end',
  ]),
  reason: z.string(),
});

export const endpointRolloutSchema = z.object({
  id: z.string(),
  endpoint: z.string(),
  model: z.string(),
  state: rolloutStateSchema,
  championVersion: z.string(),
  plan: z.record(z.string(), z.unknown()),
  step: rolloutStepSchema,
  look: rolloutLookSchema.nullable(),
  /** The course: at most 120 looks from the first to the last, oldest first. */
  looks: z.array(rolloutPastLookSchema),
  bandit: banditStateSchema.nullable(),
  decisions: z.array(rolloutDecisionSchema),
  /** One sentence: what it waits for, or why it ended. */
  reason: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  endedAt: z.string().nullable(),
  /** Until when this version may not be rolled out again here; null unless aborted. */
  coolUntil: z.string().nullable(),
});
export type EndpointRollout = z.infer<typeof endpointRolloutSchema>;

/** POST …/rollouts/:id/promote: which arm, of a split or bandit. */
export const promoteRolloutSchema = z.strictObject({ arm: armName.optional(), reason });
export const rolloutReasonSchema = z.strictObject({ reason });

/** Event types; the subject is the endpoint. */
export const rolloutEvents = {
  started: 'rollout.started',
  changed: 'rollout.changed',
  aborted: 'rollout.aborted',
  promoted: 'rollout.promoted',
} as const;
