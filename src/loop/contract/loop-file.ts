import { z } from 'zod';
import { durationSchema } from './duration.ts';
import {
  banditShape,
  guardedMetricsSchema,
  protectedSegmentsSchema,
  rewardMetricSchema,
  rolloutMetricSchema,
  shadowPlanShape,
  valueSchema,
} from './plan.ts';

/** Loop names appear in URLs, models, endpoints and streams. */
export const loopNameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
    'expected letters, digits, dot, dash or underscore (at most 128)',
  );

const ratioSchema = z.number().gt(0).lt(1);
const countSchema = z.int().min(0);
/** A value of a parameter. */
export const scalarSchema = z.union([z.string(), z.number(), z.boolean()]);

/** What makes a loop start a turn by itself. `manual` allows people and programs to start one. */
export const retrainCauseSchema = z.enum(['drift', 'performance', 'schedule', 'labels', 'manual']);

const dataSchema = z.strictObject({
  /** A file beside the loop file (CSV or Parquet), or a registered dataset: `dataset:flights`. */
  source: z.string().min(1),
  /** Column with the time at which a row's features were known. */
  time: z.string().min(1),
  /** Column that names whom or what a row is about; traffic is split by it. */
  entity: z.string().min(1),
  label: z.strictObject({
    column: z.string().min(1),
    /** The label's value that counts as positive, as text. */
    positive: z.string().default('true'),
    /** How long after a prediction its label may take; rows younger than this are not trained on. */
    delay: durationSchema.default('0s'),
  }),
  split: z
    .strictObject({ by: z.literal('time').default('time'), holdout: ratioSchema.default(0.2) })
    .default({ by: 'time', holdout: 0.2 }),
});

const trainSchema = z.strictObject({
  /** Command line of the training script; `${data}` stands for the training data's path. */
  run: z.string().min(1),
  /** Handed over as `--name value`, or put where the command says `${name}`. */
  params: z.record(z.string().regex(/^[A-Za-z][A-Za-z0-9_-]*$/), scalarSchema).default({}),
  /** A script that runs longer is stopped and the turn fails. */
  timeout: durationSchema.default('30m'),
  /**
   * Whether a model that passed its gates is trained once more, by the same settings, on all rows, the hold-out among
   * them, and that one is rolled out. Gates and evaluation stay those of the model that never saw the hold-out.
   */
  refit: z.boolean().default(false),
  on: z.literal('local').default('local'),
});

/** The forms of a gate are evaluation's; they are checked when the file is applied. */
const gateSchema = z.record(z.string(), z.union([z.string(), z.number()]));

const evaluateSchema = z.strictObject({
  /** A score at or above it is a positive decision. */
  threshold: z.number().min(0).max(1).default(0.5),
  segments: z.array(z.string()).default([]),
  gates: z.array(gateSchema).default([]),
  /** Whether a person decides after the gates: `uncertain` asks only when a gate is unsure. */
  approval: z.enum(['never', 'uncertain', 'always']).default('uncertain'),
});

const guardrailsSchema = z.strictObject({
  /** Share of requests that may fail on the challenger, unless as many fail on the champion. */
  maxErrorRatio: z.number().min(0).max(1).default(0.01),
  /** 99 of 100 answers of the challenger must be faster. Not checked unless given. */
  maxLatencyP99Ms: z.number().positive().optional(),
  /** How many times the champion's 99th percentile the challenger's may be, while both answer. */
  maxLatencyRatio: z.number().min(1).default(2),
  metrics: guardedMetricsSchema,
});

/** Instead of a canary: the shares follow the rewards, until the challenger is proved or given up. */
const banditSchema = z.strictObject({
  /** What an answer is rewarded by; it is what the verdict is about, too. */
  reward: rewardMetricSchema.default('accuracy'),
  /** Percent of the traffic that the challenger begins with. */
  start: z.number().gt(0).max(50).default(10),
  ...banditShape,
  minRequests: countSchema.default(20),
  minLabels: countSchema.default(200),
  minTime: durationSchema.default('0s'),
  maxTime: durationSchema.default('14d'),
});

const deploySchema = z.strictObject({
  endpoint: loopNameSchema.optional(),
  shadow: z.strictObject({ ...shadowPlanShape, minRequests: countSchema.default(200) }).prefault({}),
  canary: z
    .strictObject({
      /** Percent of the traffic, growing, ending with 100. */
      steps: z
        .array(z.number().gt(0).max(100))
        .min(1)
        .default([1, 10, 50, 100])
        .refine((steps) => steps.every((step, i) => i === 0 || step > (steps[i - 1] ?? 0)), {
          message: 'the steps must grow, e.g. [1, 10, 50, 100]',
        })
        .refine((steps) => steps.at(-1) === 100, { message: 'the last step must be 100' }),
      /** Requests that the challenger must answer in each step. */
      minRequests: countSchema.default(20),
      /** Labelled outcomes that the comparison must rest on: of requests that both models scored, where they are mirrored. */
      minLabels: countSchema.default(200),
      /** Event time that each step lasts at least. */
      minTime: durationSchema.default('0s'),
      /** Event time after which an undecided rollout is given up. */
      maxTime: durationSchema.default('14d'),
      /** Whether the challenger is handed copies of what the champion answers, so that both are compared on the same requests. */
      mirror: z.boolean().default(true),
    })
    .prefault({}),
  bandit: banditSchema.optional(),
  /** The comparison of challenger and champion on joined outcomes. */
  verdict: z
    .strictObject({
      /** What the challenger is judged by; `logLoss` unless given, and a bandit's reward. */
      metric: rolloutMetricSchema.optional(),
      /** Chance, over all looks together, of any wrong statement about the challenger. */
      alpha: z.number().gt(0).lt(0.5).default(0.05),
      /** How much worse the challenger's metric may still be, for all that is known, when it is promoted. */
      margin: z.number().min(0).default(0.02),
      /** What must be proved before promotion: `notWorse` by more than the margin, or `better`. */
      prove: z.enum(['notWorse', 'better']).default('notWorse'),
    })
    .prefault({}),
  guardrails: guardrailsSchema.prefault({}),
  segments: protectedSegmentsSchema,
  /** How much worse a protected segment may still be. */
  segmentMargin: z.number().min(0).default(0.05),
});

/** What decisions are worth: the metric `value`. */
const businessSchema = z.strictObject({ value: valueSchema.optional() });

/** How the endpoint is watched; what is left out takes monitoring's defaults. */
const monitorSchema = z.strictObject({
  window: z.enum(['day', 'week']).default('day'),
  drift: z
    .strictObject({
      alpha: ratioSchema.optional(),
      falseDiscoveryRate: ratioSchema.optional(),
      /** Rank-space Wasserstein distance, noise removed, that matters for a number. */
      numericEffect: z.number().gt(0).optional(),
      /** Jensen-Shannon distance, noise removed, that matters for a category. */
      categoricalEffect: z.number().gt(0).optional(),
      missingRise: z.number().gt(0).optional(),
      minRows: z.int().min(1).optional(),
    })
    .prefault({}),
  performance: z
    .strictObject({
      metric: z.enum(['logLoss', 'brier', 'auc', 'accuracy', 'ece']).optional(),
      /** Loss of quality against the reference that is still all right. */
      tolerance: z.number().min(0).optional(),
      minLabels: z.int().min(1).optional(),
    })
    .prefault({}),
  health: z
    .strictObject({ maxErrorRatio: ratioSchema.optional(), maxLatencyP99Ms: z.number().gt(0).optional() })
    .prefault({}),
  /** An alert opens when `windows` of the last `outOf` windows say so. */
  persistence: z
    .strictObject({ windows: z.int().min(1).optional(), outOf: z.int().min(1).optional() })
    .prefault({}),
  alerts: z.array(z.strictObject({ webhook: z.url() })).default([]),
});

const improveSchema = z.strictObject({
  retrain: z
    .strictObject({
      on: z.array(retrainCauseSchema).default(['drift', 'performance', 'manual']),
      /**
       * Event time that must pass until a turn starts that nobody asked for by hand, from the start of the turn before;
       * a turn with overrides of a person counts only if it made a champion.
       */
      cooldown: durationSchema.default('7d'),
      /** Event time of joined predictions that a retraining uses, ending at the watermark. */
      window: durationSchema.default('30d'),
      /** Five-field cron line in UTC, in event time; needed when `on` has schedule. */
      schedule: z.string().optional(),
      /** New labels since the last training; needed when `on` has labels. */
      labels: z.int().positive().optional(),
    })
    .prefault({}),
  promote: z.enum(['auto', 'approval']).default('auto'),
});

/** The loop file. Unknown keys are refused. */
export const loopFileSchema = z.strictObject({
  loop: loopNameSchema,
  data: dataSchema,
  train: trainSchema,
  evaluate: evaluateSchema.prefault({}),
  deploy: deploySchema.prefault({}),
  monitor: monitorSchema.prefault({}),
  improve: improveSchema.prefault({}),
  business: businessSchema.prefault({}),
});
/** The loop file with every default filled in. */
export type LoopFile = z.output<typeof loopFileSchema>;
