import { z } from 'zod';
import { durationSchema } from './duration.ts';

/**
 * How a version is rolled out: what is compared, what is guarded, and what each step needs. Browser-safe.
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

/** Metrics of which more is better: what a bandit may be rewarded by. */
export const rewardMetricSchema = rolloutMetricSchema.extract(['accuracy', 'outcome', 'value']);
/** Metrics of which more is better; of all others less is. */
export const risingMetrics: readonly RolloutMetric[] = rewardMetricSchema.options;

/** Name of an arm of a split or bandit; those with a meaning of their own are refused. */
export const armNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected small letters, digits or dash (at most 40)')
  .refine(
    (name) => !['champion', 'shadow', 'standby'].includes(name),
    'champion, shadow and standby have a meaning of their own',
  );
const version = z.int().min(1);

/** Money (or any other unit) that each kind of decision is worth. */
export const valueSchema = z.strictObject({
  truePositive: z.number(),
  falsePositive: z.number(),
  trueNegative: z.number(),
  falseNegative: z.number(),
});

/** Further metrics that must not get worse by more than their margins. */
export const guardedMetricsSchema = z
  .array(z.strictObject({ metric: rolloutMetricSchema, margin: z.number().min(0) }))
  .max(10)
  .default([]);

/** Protected features: none of their ten most frequent values may get worse by more than the margin. */
export const protectedSegmentsSchema = z.array(z.string().min(1)).max(5).default([]);

/** What copies of the traffic must give before anybody is answered, and how far they may be from the champion's. */
export const shadowPlanShape = {
  minRequests: z.int().min(1).default(200),
  /**
   * Event time that copies are taken at least. Their labels count once somebody is answered: after three whole days no
   * difference by the hour of the day is taken for harm.
   */
  minTime: durationSchema.default('0s'),
  /** How far the distribution of the scores may be from the champion's: greatest distance of both, 0..1. */
  maxScoreShift: z.number().gt(0).max(1).default(0.5),
  /** Share of requests on which the decision may be another one than the champion's. */
  maxDisagreement: z.number().gt(0).max(1).default(0.5),
  /** How many times the champion's 99th percentile of latency the copies' may be. They are computed in gaps, in batches. */
  maxLatencyRatio: z.number().min(1).default(10),
} as const;
/** The shadow of a canary. */
const shadowPlanSchema = z.strictObject(shadowPlanShape);
export type ShadowPlan = z.output<typeof shadowPlanSchema>;

/** What moves the traffic of a bandit. */
export const banditShape = {
  algorithm: z.enum(['thompson', 'epsilonGreedy']).default('thompson'),
  /** `beta` for rewards in 0..1, `gaussian` for any number. */
  rewards: z.enum(['beta', 'gaussian']).default('beta'),
  epsilon: z.number().gt(0).lt(1).default(0.1),
  /** Share of the traffic that every arm keeps. */
  floor: z.number().gt(0).max(0.2).default(0.02),
  /** How much a share may change at a time. */
  maxChange: z.number().gt(0).max(1).default(0.1),
  /** Event time between two changes of the shares. */
  every: durationSchema.default('10m'),
  /** A request without a label counts as reward 0 after this event time (no click came); left out: it waits. */
  rewardAfter: durationSchema.optional(),
} as const;

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
  guardrails: guardedMetricsSchema,
  segments: protectedSegmentsSchema,
  segmentMargin: z.number().min(0).default(0.05),
  maxErrorRatio: z.number().gt(0).lt(1).default(0.01),
  /** 99 of 100 answers must be faster. Not checked unless given. */
  maxLatencyP99Ms: z.number().positive().optional(),
  /** How many times the champion's 99th percentile the challenger's may be. */
  maxLatencyRatio: z.number().min(1).default(2),
  /** Requests that each arm must answer in each step. */
  minRequests: z.int().min(0).default(20),
  /** Labelled outcomes that a comparison must rest on; it is tightest there. */
  minLabels: z.int().min(0).default(200),
  /** Event time that each step lasts at least; this and the following are event time of the endpoint. */
  minTime: durationSchema.default('0s'),
  /** What is undecided by then is aborted. */
  maxTime: durationSchema.default('14d'),
  /** How long a version that was aborted or rolled back is begun again only by who says so. */
  cooldown: durationSchema.default('1h'),
  /**
   * The alias of the registered model that goes with a promotion, and back with a rollback; null: none. Unless given:
   * `champion`, but for endpoints whose environment is another one than production.
   */
  alias: z.string().min(1).max(255).nullable().optional(),
} as const;

const canarySchema = z.strictObject({
  kind: z.literal('canary'),
  version,
  /** Copies of the traffic before anybody is answered; null: begin with the first step. */
  shadow: shadowPlanSchema.nullable().prefault({}),
  /** Percent of the traffic, growing. */
  steps: z
    .array(z.number().gt(0).max(100))
    .min(1)
    .default([1, 10, 50, 100])
    .superRefine((steps, context) => {
      const at = steps.findIndex((step, i) => i > 0 && step <= (steps[i - 1] ?? 0));
      const message = `the steps must grow, unlike ${steps[at - 1]}, ${steps[at]}`;
      if (at > 0) context.addIssue({ code: 'custom', message });
    }),
  /** Whether the champion's requests are copied to the challenger, so that both are compared on the same ones. */
  mirror: z.boolean().default(true),
  promote: z.enum(['auto', 'manual']).default('auto'),
  ...judgingShape,
});

const splitSchema = z.strictObject({
  kind: z.literal('split'),
  /** The champion has what these leave. */
  arms: z
    .array(z.strictObject({ arm: armNameSchema, version, percent: z.number().gt(0).lt(100) }))
    .min(1)
    .max(19),
  promote: z.enum(['auto', 'manual']).default('manual'),
  ...judgingShape,
  prove: z.enum(['notWorse', 'better']).default('better'),
});

const banditSchema = z.strictObject({
  kind: z.literal('bandit'),
  arms: z
    .array(z.strictObject({ arm: armNameSchema, version }))
    .min(1)
    .max(19),
  ...banditShape,
  /** `never`: it goes on until a person ends it. Else an arm that is proved is promoted, or offered to a person. */
  promote: z.enum(['auto', 'manual', 'never']).default('never'),
  ...judgingShape,
  /** The reward. */
  metric: rewardMetricSchema.default('outcome'),
  prove: z.enum(['notWorse', 'better']).default('better'),
});

/** What is rolled out, and how. */
export const rolloutSpecSchema = z
  .discriminatedUnion('kind', [canarySchema, splitSchema, banditSchema])
  .superRefine((spec, context) => {
    const metrics = [spec.metric, ...spec.guardrails.map((g) => g.metric)];
    if (metrics.includes('value') && !spec.value) {
      context.addIssue({ code: 'custom', path: ['value'], message: 'the metric "value" needs it' });
    }
    if (spec.kind === 'bandit' && spec.metric === 'value' && spec.rewards === 'beta') {
      context.addIssue({
        code: 'custom',
        path: ['rewards'],
        message: 'the metric "value" needs rewards: gaussian',
      });
    }
    if (spec.kind === 'canary') return;
    const names = spec.arms.map((a) => a.arm);
    const again = names.findIndex((name, i) => names.indexOf(name) < i);
    if (again >= 0) {
      const message = `expected each arm to have its own name, not "${names[again]}" again`;
      context.addIssue({ code: 'custom', path: ['arms', again, 'arm'], message });
    }
    const percent = spec.kind === 'split' ? spec.arms.reduce((sum, a) => sum + a.percent, 0) : 0;
    if (percent >= 100) {
      const message = `the percents add up to ${Number(percent.toPrecision(12))}, which leaves nothing for the champion; give them less than 100 together`;
      context.addIssue({ code: 'custom', path: ['arms'], message });
    }
    const all = spec.arms.length + 1;
    if (spec.kind === 'bandit' && spec.floor * all > 1) {
      const message = `expected less than 1/${all}, not ${spec.floor}: ${all} arms, with the champion, cannot keep that share each`;
      context.addIssue({ code: 'custom', path: ['floor'], message });
    }
  });
export type CanarySpec = Extract<z.output<typeof rolloutSpecSchema>, { kind: 'canary' }>;
export type BanditSpec = Extract<z.output<typeof rolloutSpecSchema>, { kind: 'bandit' }>;
export type RolloutSpec = z.output<typeof rolloutSpecSchema>;
