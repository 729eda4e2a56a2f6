import { z } from 'zod';
import { gateResultSchema } from '../../core/gate-result.ts';
import { digestSchema } from '../../core/model-types.ts';
import {
  armComparisonSchema,
  armSeenSchema,
  banditStateSchema,
  rolloutLookSchema,
  shadowComparisonSchema,
} from './look.ts';
import { retrainCauseSchema, scalarSchema } from './loop-file.ts';

/** RFC 3339 time. */
const timeSchema = z.string();

/**
 * `preparing` joins predictions with labels and cuts the hold-out; `refitting` trains what was judged once more, on
 * all rows, where the loop file says `train.refit`; `promoting` switches traffic and alias.
 * The last five are ends; a failed turn can be retried from where it failed.
 */
export const turnStateSchema = z.enum([
  'preparing',
  'training',
  'packaging',
  'evaluating',
  'gating',
  'awaiting-approval',
  'refitting',
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

const endStates = ['promoted', 'rejected', 'rolled-back', 'failed', 'cancelled'] as const;

/** Whether a turn in this state is over; a failed one may be retried all the same. */
export function isEndState(state: TurnState): boolean {
  return (endStates as readonly string[]).includes(state);
}

/** Why a turn began; `first`: a loop without a champion was applied. */
const triggerCauseSchema = z.enum(['first', ...retrainCauseSchema.options]);
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

/** A reason to train a new model. */
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

/** A change of a turn's state, or a decision within one (`from` and `to` the same). */
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

/** The rollout's present step, and the last look at it. */
export const rolloutSchema = z.object({
  /** `bandit`: the shares follow the rewards. */
  stage: z.enum(['shadow', 'canary', 'bandit']),
  /** Index into `deploy.canary.steps`; null in shadow and for a bandit. */
  step: z.number().int().nullable(),
  steps: z.array(z.number()),
  /** Share of traffic that the challenger answers, in percent; 0 in shadow. */
  percent: z.number(),
  routeVersion: z.number().int().nullable(),
  /** Wall clock and event time at which this step began. */
  since: timeSchema,
  sinceEventTime: timeSchema.nullable(),
  /** Event time of the whole rollout's begin. */
  beganEventTime: timeSchema.nullable(),
  /** Whether all that is asked of the challenger was proved when the step began. */
  isProved: z.boolean().default(false),
  assessedAt: timeSchema.nullable(),
  /** Watermark of the last look. */
  assessedEventTime: timeSchema.nullable(),
  ...rolloutLookSchema.omit({ at: true }).shape,
  arms: z.array(armSeenSchema).default([]),
  /** The first is that of the primary metric over all requests. */
  comparisons: z.array(armComparisonSchema).default([]),
  shadow: z.array(shadowComparisonSchema).default([]),
  bandit: banditStateSchema.nullable().default(null),
  /** Share that a bandit's challenger is being given, in percent; null: no change is under way. */
  weighing: z.number().nullable().default(null),
  /** Event time at which a bandit last changed its shares. */
  weighedEventTime: timeSchema.nullable().default(null),
});
export type Rollout = z.infer<typeof rolloutSchema>;

/** What became of a gate; the gate itself is in the loop file. */
export const turnGateSchema = gateResultSchema.omit({ gate: true });
export type TurnGate = z.infer<typeof turnGateSchema>;

/**
 * A refit: `challengerVersion`, `runId` and `packageDigest` of the turn are of the model that was trained on all rows
 * and is rolled out; gates and evaluation are of the version here, which was trained without the hold-out.
 */
export const turnRefitSchema = z.strictObject({
  /** The version that was judged, its run and its package. */
  judgedVersion: z.int(),
  judgedRunId: z.string(),
  judgedPackageDigest: digestSchema,
  /** Rows that the refitted model was trained on, the hold-out among them. */
  rows: z.int(),
  /** The gates, on rows that the refitted model was trained on: they can show that it is broken, not that it is good. */
  checks: z.array(turnGateSchema),
});

/** A question to a person, and the answer. */
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

/** A step that a worker or control ran for a turn; repeated roles of a refit come after the others. */
const turnStepSchema = z.object({
  stepRunId: z.string(),
  kind: z.string(),
  status: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
  startedAt: timeSchema.nullable(),
  finishedAt: timeSchema.nullable(),
  attempts: z.number().int(),
  error: z.string().nullable(),
});
export type TurnStep = z.infer<typeof turnStepSchema>;

/** A turn as lists show it. */
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

/** GET /api/v1/turns/:id */
export const turnSchema = turnSummarySchema.extend({
  model: z.string(),
  endpoint: z.string(),
  datasetVersionId: z.string().nullable(),
  runId: z.string().nullable(),
  packageDigest: digestSchema.nullable(),
  evaluationId: z.string().nullable(),
  gates: z.array(turnGateSchema),
  /** Null: what was judged is what is rolled out. */
  refit: turnRefitSchema.nullable(),
  approvals: z.array(turnApprovalSchema),
  rollout: rolloutSchema.nullable(),
  /** Earlier looks at the rollout: the last one of each step that is over. */
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
