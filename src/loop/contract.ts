/**
 * What the loop shows to the outside: the loop file, the loop, and its turns. A turn is one go round the
 * circle: trigger, training, judging, roll-out, and how it ended. Browser-safe.
 */
import { z } from 'zod';
import { parseDuration } from '../core/time.ts';

/** RFC 3339 time. */
const timeSchema = z.string();

/** Loop names appear in URLs, models, endpoints and streams. */
export const loopNameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
    'expected letters, digits, dot, dash or underscore (at most 128)',
  );

/** A duration as people write it (`90s`, `6h`, `7d`, `1h30m`); it stays text, `parseDuration` reads it. */
export const durationSchema = z.unknown().transform((value, context): string => {
  try {
    if (typeof value === 'string') {
      parseDuration(value);
      return value;
    }
  } catch {
    // falls through to the message below, which also covers values that are not text
  }
  context.addIssue({
    code: 'custom',
    message: `${JSON.stringify(value)} is not a duration; write a number with a unit, e.g. 30m, 6h or 7d`,
  });
  return z.NEVER;
});

const ratioSchema = z.number().gt(0).lt(1);
const countSchema = z.int().min(0);
const scalarSchema = z.union([z.string(), z.number(), z.boolean()]);

/** What makes a loop start a turn by itself. `manual` allows people and programs to start one. */
export const retrainCauseSchema = z.enum(['drift', 'performance', 'schedule', 'labels', 'manual']);
export type RetrainCause = z.infer<typeof retrainCauseSchema>;

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
  /** Share of requests that may fail on the challenger; never less than what fails on the champion. */
  maxErrorRatio: z.number().min(0).max(1).default(0.01),
  /** 99 of 100 answers of the challenger must be faster. Not checked unless given. */
  maxLatencyP99Ms: z.number().positive().optional(),
});

const deploySchema = z.strictObject({
  endpoint: loopNameSchema.optional(),
  shadow: z.strictObject({ minRequests: countSchema.default(200) }).default({ minRequests: 200 }),
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
      /** Labelled outcomes, of requests that both models scored, that the comparison must rest on. */
      minLabels: countSchema.default(200),
      /** Event time that each step lasts at least. */
      minTime: durationSchema.default('0s'),
      /** Event time after which an undecided roll-out is given up. */
      maxTime: durationSchema.default('14d'),
    })
    .prefault({}),
  /** The comparison of challenger and champion on log loss of joined outcomes. */
  verdict: z
    .strictObject({
      /** Chance, over all looks together, of rolling back a challenger that is not worse. */
      alpha: z.number().gt(0).lt(0.5).default(0.05),
      /** How much greater the challenger's mean log loss may be and still pass. */
      margin: z.number().min(0).default(0.02),
    })
    .prefault({}),
  guardrails: guardrailsSchema.prefault({}),
});

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
      /** Event time that must pass between the start of two turns that nobody asked for by hand. */
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
});
/** The loop file with every default filled in. */
export type LoopFile = z.output<typeof loopFileSchema>;

// ---------------------------------------------------------------- turns

/**
 * `preparing` joins predictions with labels and cuts the hold-out; `promoting` switches traffic and alias.
 * The last five are ends; a failed turn can be retried from where it failed.
 */
export const turnStateSchema = z.enum([
  'preparing',
  'training',
  'packaging',
  'evaluating',
  'gating',
  'awaiting-approval',
  'shadow',
  'canary',
  'promoting',
  'promoted',
  'rejected',
  'rolled-back',
  'failed',
  'cancelled',
]);
export type TurnState = z.infer<typeof turnStateSchema>;

export const endStates = ['promoted', 'rejected', 'rolled-back', 'failed', 'cancelled'] as const;

export function isEndState(state: TurnState): boolean {
  return (endStates as readonly string[]).includes(state);
}

export const triggerCauseSchema = z.enum(['first', ...retrainCauseSchema.options]);
export type TriggerCause = z.infer<typeof triggerCauseSchema>;

/** What a manual trigger may change for its one turn. */
export const overridesSchema = z.strictObject({
  /** Laid over `train.params`. */
  params: z.record(z.string(), scalarSchema).optional(),
  /** Train and judge on this registered dataset version instead of joined predictions. */
  datasetVersion: z.string().optional(),
  /** Training command instead of `train.run`. */
  run: z.string().optional(),
});
export type Overrides = z.infer<typeof overridesSchema>;

export const triggerSchema = z.object({
  id: z.string(),
  cause: triggerCauseSchema,
  /** One sentence with the numbers: `drift of distance in window 2001-03-05: effect 0.12, p 3e-9`. */
  reason: z.string(),
  /** Who or what asked, as `kind:id`. */
  by: z.string(),
  overrides: overridesSchema,
  at: timeSchema,
  eventTime: timeSchema.nullable(),
  /** Further triggers that came in before the turn started, and were merged into this one. */
  merged: z.array(z.object({ cause: triggerCauseSchema, reason: z.string(), at: timeSchema })),
  /** Why it waits: `cooldown until …`, `turn 3 is under way`, `loop is paused`; null when it does not. */
  waitsFor: z.string().nullable(),
});
export type Trigger = z.infer<typeof triggerSchema>;

export const turnTransitionSchema = z.object({
  /** null for the first. */
  from: turnStateSchema.nullable(),
  to: turnStateSchema,
  at: timeSchema,
  eventTime: timeSchema.nullable(),
  actor: z.string(),
  /** One sentence. */
  reason: z.string(),
  /** What the decision rests on: ids and numbers. */
  evidence: z.record(z.string(), z.unknown()),
});
export type TurnTransition = z.infer<typeof turnTransitionSchema>;

/** A number that must reach another one before a roll-out goes on. */
export const progressSchema = z.object({ have: z.number(), need: z.number() });
export type Progress = z.infer<typeof progressSchema>;

export const guardrailSchema = z.object({
  /** `errors`, `scores`, `latency p99`. */
  name: z.string(),
  value: z.number().nullable(),
  limit: z.number().nullable(),
  verdict: z.enum(['pass', 'fail', 'waiting']),
  reason: z.string(),
});
export type Guardrail = z.infer<typeof guardrailSchema>;

/** Difference of the mean log loss, challenger minus champion: greater than 0 is worse. */
export const outcomeComparisonSchema = z.object({
  metric: z.literal('logLoss'),
  /** Outcomes that both scored (mirrored requests): the comparison's pairs. */
  pairs: z.number().int(),
  champion: z.number().nullable(),
  challenger: z.number().nullable(),
  difference: z.number().nullable(),
  /** Ends of the anytime-valid confidence sequence at `1 - alpha`. */
  low: z.number().nullable(),
  high: z.number().nullable(),
  alpha: z.number(),
  margin: z.number(),
  /** `notWorse`: high is at most the margin; else `worse`: low is above 0. */
  verdict: z.enum(['worse', 'notWorse', 'undecided']),
});
export type OutcomeComparison = z.infer<typeof outcomeComparisonSchema>;

/** One look at the roll-out's present step. */
export const rolloutSchema = z.object({
  stage: z.enum(['shadow', 'canary']),
  /** Index into `deploy.canary.steps`; null in shadow. */
  step: z.number().int().nullable(),
  steps: z.array(z.number()),
  /** Share of traffic that the challenger answers, in percent; 0 in shadow. */
  percent: z.number(),
  routeVersion: z.number().int().nullable(),
  /** Wall clock and event time at which this step began. */
  since: timeSchema,
  sinceEventTime: timeSchema.nullable(),
  /** Event time of the whole roll-out's begin. */
  beganEventTime: timeSchema.nullable(),
  assessedAt: timeSchema.nullable(),
  /** Watermark of the last look. */
  assessedEventTime: timeSchema.nullable(),
  /** Requests that the challenger scored in this step: copies in shadow, its own in canary. */
  requests: progressSchema,
  /** Labelled pairs since the roll-out began. */
  labels: progressSchema,
  /** Event time passed in this step, milliseconds. */
  timeMs: progressSchema,
  outcome: outcomeComparisonSchema.nullable(),
  guardrails: z.array(guardrailSchema),
  verdict: z.enum(['waiting', 'pass', 'fail']),
  /** One sentence: what it waits for, why it passed, or why it failed. */
  reason: z.string(),
});
export type Rollout = z.infer<typeof rolloutSchema>;

export const turnGateSchema = z.object({
  name: z.string(),
  verdict: z.enum(['pass', 'fail', 'unsure']),
  measured: z
    .object({
      value: z.number().nullable(),
      low: z.number().nullable(),
      high: z.number().nullable(),
      n: z.number().int(),
    })
    .nullable(),
  reason: z.string(),
});
export type TurnGate = z.infer<typeof turnGateSchema>;

export const turnApprovalSchema = z.object({
  /** `rollout`: before traffic is risked; `promotion`: after the canary. */
  stage: z.enum(['rollout', 'promotion']),
  askedAt: timeSchema,
  /** Why a person is asked. */
  question: z.string(),
  decision: z.enum(['approved', 'rejected']).nullable(),
  by: z.string().nullable(),
  reason: z.string().nullable(),
  decidedAt: timeSchema.nullable(),
});
export type TurnApproval = z.infer<typeof turnApprovalSchema>;

export const turnStepSchema = z.object({
  stepRunId: z.string(),
  kind: z.string(),
  status: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
  startedAt: timeSchema.nullable(),
  finishedAt: timeSchema.nullable(),
  attempts: z.number().int(),
  error: z.string().nullable(),
});
export type TurnStep = z.infer<typeof turnStepSchema>;

export const turnSummarySchema = z.object({
  id: z.string(),
  loop: z.string(),
  /** Counts from 1 within the loop. */
  number: z.number().int(),
  state: turnStateSchema,
  trigger: triggerSchema,
  /** Version of the loop file that this turn follows from begin to end. */
  loopVersion: z.number().int(),
  startedAt: timeSchema,
  startedEventTime: timeSchema.nullable(),
  finishedAt: timeSchema.nullable(),
  finishedEventTime: timeSchema.nullable(),
  /** Registered model version that was trained in this turn, once there is one. */
  challengerVersion: z.number().int().nullable(),
  /** The champion when the turn began; null on the first turn. */
  championVersion: z.number().int().nullable(),
  /** The last transition's reason. */
  reason: z.string(),
});
export type TurnSummary = z.infer<typeof turnSummarySchema>;

export const turnSchema = turnSummarySchema.extend({
  model: z.string(),
  endpoint: z.string(),
  datasetVersionId: z.string().nullable(),
  runId: z.string().nullable(),
  packageDigest: z.string().nullable(),
  evaluationId: z.string().nullable(),
  gates: z.array(turnGateSchema),
  approvals: z.array(turnApprovalSchema),
  rollout: rolloutSchema.nullable(),
  /** Earlier looks at the roll-out: the last one of each step that is over. */
  rolloutHistory: z.array(rolloutSchema),
  steps: z.array(turnStepSchema),
  transitions: z.array(turnTransitionSchema),
  /** Why it failed and in which state; `retry` goes on there. */
  failure: z
    .object({
      state: turnStateSchema,
      code: z.string(),
      message: z.string(),
      stepRunId: z.string().nullable(),
    })
    .nullable(),
});
export type Turn = z.infer<typeof turnSchema>;

// ---------------------------------------------------------------- loops

/** What the engine still has to do before it has dealt with everything up to the watermark. */
export const pendingWorkSchema = z.object({
  kind: z.enum(['events', 'step', 'monitor', 'assessment', 'transition']),
  what: z.string(),
});
export type PendingWork = z.infer<typeof pendingWorkSchema>;

export const loopSchema = z.object({
  name: loopNameSchema,
  version: z.number().int(),
  state: z.enum(['active', 'paused']),
  endpoint: z.string(),
  model: z.string(),
  file: loopFileSchema,
  /** The file as it was applied, comments and all. */
  text: z.string(),
  appliedAt: timeSchema,
  appliedBy: z.string(),
  createdAt: timeSchema,
  /** Dataset version that the first turn trains on. */
  datasetVersionId: z.string(),
  championVersion: z.number().int().nullable(),
  activeTurn: turnSummarySchema.nullable(),
  lastTurn: turnSummarySchema.nullable(),
  waitingTriggers: z.array(triggerSchema),
  cooldownUntil: timeSchema.nullable(),
  /** Event time up to which all predictions are known to be in. */
  watermark: timeSchema.nullable(),
  /** True when all is done that can be done at this watermark: it waits for traffic, time or a person. */
  idle: z.boolean(),
  pending: z.array(pendingWorkSchema),
  /** What it waits for now, as one sentence. */
  waitsFor: z.string(),
});
export type Loop = z.infer<typeof loopSchema>;

export const loopVersionSchema = z.object({
  version: z.number().int(),
  text: z.string(),
  digest: z.string(),
  appliedAt: timeSchema,
  appliedBy: z.string(),
});
export type LoopVersion = z.infer<typeof loopVersionSchema>;

// ---------------------------------------------------------------- inputs

/** A file of the training code, already uploaded as a blob. */
export const codeFileSchema = z.strictObject({
  /** Relative to the loop file, with forward slashes. */
  path: z
    .string()
    .min(1)
    .refine((path) => !path.startsWith('/') && !path.split('/').includes('..'), {
      message: 'expected a path below the loop file',
    }),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256:<64 hex digits>'),
});
export type CodeFile = z.infer<typeof codeFileSchema>;

/** POST /api/v1/loops. Applying the same again changes nothing. */
export const applyLoopSchema = z.strictObject({
  /** The loop file's text (YAML or JSON). */
  text: z.string().min(1).max(1_000_000),
  /** Name shown in errors. */
  fileName: z.string().default('loop.yaml'),
  files: z.array(codeFileSchema).max(500).default([]),
  /** The registered dataset version of `data.source`, when that is a file. */
  datasetVersionId: z.string().optional(),
});
export type ApplyLoop = z.input<typeof applyLoopSchema>;

export const applyResultSchema = z.object({
  loop: loopSchema,
  /** `unchanged` when this text and these files were in force already. */
  outcome: z.enum(['created', 'changed', 'unchanged']),
});
export type ApplyResult = z.infer<typeof applyResultSchema>;

const reasonSchema = z.string().trim().min(1).max(2000);

/** POST /api/v1/loops/:name/trigger */
export const triggerInputSchema = z.strictObject({
  reason: reasonSchema,
  overrides: overridesSchema.default({}),
});
export type TriggerInput = z.input<typeof triggerInputSchema>;

/** POST /api/v1/loops/:name/pause, …/resume and /api/v1/turns/:id/approve, …/reject, …/abort, …/retry */
export const reasonInputSchema = z.strictObject({ reason: reasonSchema });
export type ReasonInput = z.infer<typeof reasonInputSchema>;

/** Events of this slice. The subject is the loop's name or `<loop>/<turn number>`. */
export const loopEventTypes = [
  'loop.applied',
  'loop.paused',
  'loop.resumed',
  'loop.triggered',
  'turn.started',
  'turn.changed',
  'turn.assessed',
  'turn.decided',
  'turn.finished',
  'loop.monitoring-failed',
] as const;
export type LoopEventType = (typeof loopEventTypes)[number];
