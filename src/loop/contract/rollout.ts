import { z } from 'zod';
import { reasonSchema as reason } from '../../core/reason.ts';
import { checkPlan } from './check-plan.ts';
import {
  armComparisonSchema,
  armSeenSchema,
  banditStateSchema,
  progressSchema,
  rolloutLookSchema,
} from './look.ts';
import { armNameSchema, rolloutSpecSchema } from './plan.ts';
import { turnStateSchema } from './turn.ts';

/** Rollouts of an endpoint without a loop: what a person declares, and what was decided. Browser-safe. */

/** POST /api/v1/endpoints/:endpoint/rollouts */
export const createRolloutSchema = z.strictObject({
  plan: rolloutSpecSchema.superRefine(checkPlan),
  /** Begin although a version was aborted or rolled back on this endpoint and still cools down. */
  again: z.boolean().default(false),
  reason,
});
export type CreateRollout = z.output<typeof createRolloutSchema>;

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

/** Where a rollout stands. */
const rolloutStepSchema = z.object({
  stage: z.enum(['shadow', 'canary', 'split', 'bandit']),
  /** Index into the plan's steps; null unless canary. */
  index: z.int().nullable(),
  /** Percent of the traffic that is not the champion's. */
  percent: z.number(),
  routeVersion: z.int(),
  since: z.string(),
  /** Event time at which it began; null before a replay has begun. */
  sinceEventTime: z.string().nullable().default(null),
  /** Whether all that the plan names was proved when the step began. */
  isProved: z.boolean().default(false),
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

/** What somebody, or the engine, decided about a rollout, and why. */
const rolloutDecisionSchema = z.object({
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

/** How an earlier rollout of the same version on the same endpoint ended. */
const earlierRolloutSchema = z.object({
  rollout: z.string(),
  version: z.string(),
  state: rolloutStateSchema.extract(['aborted', 'rolled-back']),
  /** Event time until when it cools down (or did when this rollout began); null: it does not. */
  coolUntil: z.string().nullable(),
  reason: z.string(),
});
export type EarlierRollout = z.infer<typeof earlierRolloutSchema>;

/** How a rollout stands, in short. */
const rolloutSummarySchema = z.object({
  /** Who is ahead so far by the primary metric, over all requests: `champion`, or the name of an arm; null: nobody knows. */
  leads: z.string().nullable(),
  /** Whether that is known, and not only so by what was seen so far. */
  isKnown: z.boolean(),
  /** What outcomes say, in a sentence with its numbers; before they say anything, that. */
  verdict: z.string(),
  /** What has come in for the present step, and what it needs; null before the first look. */
  requests: progressSchema.nullable(),
  labels: progressSchema.nullable(),
  /** What it waits for; null: it has ended. */
  waitsFor: z.string().nullable(),
});

/** GET /api/v1/endpoints/:endpoint/rollouts/:id */
export const endpointRolloutSchema = z.object({
  /** Of a turn's rollout, the turn's. */
  id: z.string(),
  /** The turn of a loop that rolls out; null: a person began it. A turn is decided about under /api/v1/turns. */
  turn: z.object({ loop: z.string(), number: z.int(), state: turnStateSchema }).nullable().default(null),
  summary: rolloutSummarySchema,
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
  /** Event time until when its versions begin here again only if somebody says so; null unless aborted or rolled back. */
  coolUntil: z.string().nullable(),
  /** Versions of this rollout that were aborted or rolled back here before, the newest end of each: what to look out for. */
  earlier: z.array(earlierRolloutSchema),
});
export type EndpointRollout = z.infer<typeof endpointRolloutSchema>;

/** GET /api/v1/rollouts */
export const rolloutListQuerySchema = z.object({
  /** `open`: those that have not ended. */
  state: z.enum(['open', 'all', ...rolloutStateSchema.options]).default('open'),
  /** The endpoint's whole name. */
  endpoint: z.string().min(1).optional(),
  /** The model's whole name. */
  model: z.string().min(1).optional(),
  /** In the name of the endpoint, model or loop, or in why it waits or ended; small and large letters are alike. */
  text: z.string().min(1).max(200).optional(),
  /** `oldest`: the one first that began first. A turn begins with its training. */
  order: z.enum(['newest', 'oldest']).default('newest'),
});
export type RolloutListQuery = z.output<typeof rolloutListQuerySchema>;

/** POST …/rollouts/:id/promote: which arm, of a split or bandit. */
export const promoteRolloutSchema = z.strictObject({ arm: armNameSchema.optional(), reason });
/** POST …/rollouts/:id/advance: to the next step, or to the one that is named if that is the next. */
export const advanceRolloutSchema = z.strictObject({
  percent: z
    .number()
    .gt(0)
    .max(100)
    .optional()
    .describe('The step that is meant. There already: nothing changes; another is the next one: refused'),
  reason,
});
/** POST …/rollouts/:id/pause, …/resume, …/abort, …/rollback */
export const rolloutReasonSchema = z.strictObject({ reason });

/** Event types; the subject is the endpoint. */
export const rolloutEvents = {
  started: 'rollout.started',
  changed: 'rollout.changed',
  aborted: 'rollout.aborted',
  promoted: 'rollout.promoted',
} as const;
