import { z } from 'zod';
import { rolloutMetricSchema } from './plan.ts';

/** What one look at a rollout saw, and what it means. Browser-safe. */

/** A number that must reach another one before a rollout goes on. */
export const progressSchema = z.object({ have: z.number(), need: z.number() });
export type Progress = z.infer<typeof progressSchema>;

/** Something that must never happen in a rollout, as it was found at a look. */
const guardrailSchema = z.object({
  /** `errors`, `scores`, `split`, `latency p99`, …; with several arms `errors of b`. */
  name: z.string(),
  value: z.number().nullable(),
  limit: z.number().nullable(),
  verdict: z.enum(['pass', 'fail', 'waiting']),
  reason: z.string(),
});
export type Guardrail = z.infer<typeof guardrailSchema>;

/** An arm beside the champion on one metric: `difference` above 0 is better, whatever the metric. */
export const armComparisonSchema = z.object({
  arm: z.string(),
  metric: rolloutMetricSchema,
  /** The protected segment; null: all requests. */
  segment: z.object({ feature: z.string(), value: z.string() }).nullable(),
  /** Same requests scored by both, or the arms' own requests. */
  compared: z.enum(['pairs', 'arms']),
  n: z.int(),
  /** Means over the requests that each answered itself: with pairs, `difference` is over other ones, which both scored. */
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

/** What copies of the traffic say of a version, one for each entity, beside what the champion's halves say of each other. */
export const shadowComparisonSchema = z.object({
  segment: z.object({ feature: z.string(), value: z.string() }).nullable(),
  pairs: z.int(),
  meanDistance: z.number().nullable(),
  /** Share of pairs with the same decision at the threshold. */
  agreement: z.number().nullable(),
  /** Greatest distance of the distributions of both scores (Kolmogorov-Smirnov), and of two halves of the champion's. */
  scoreShift: z.number().nullable(),
  scoreNoise: z.number().nullable(),
  latencyP99Ms: z.number().nullable(),
  championLatencyP99Ms: z.number().nullable(),
  /** 99th percentiles of two random halves of the champion's answers, the larger over the smaller. */
  latencyNoiseRatio: z.number().nullable(),
  /** What the anytime-valid band leaves: the copies' 99th percentile at least, the champion's at most. */
  latencyLowMs: z.number().nullable().default(null),
  championLatencyHighMs: z.number().nullable().default(null),
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

/**
 * What an arm did since the rollout began; the latency is of the newest route, in milliseconds, the mean of the
 * primary metric.
 */
export const armSeenSchema = z.object({
  arm: z.string(),
  version: z.string(),
  requests: z.int(),
  /** Without an answer, refused ones among them. */
  failed: z.int(),
  /** Of these, refused for what their callers sent. */
  refused: z.int().default(0),
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
