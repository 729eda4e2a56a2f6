import { z } from 'zod';
import { digestSchema } from '../../../core/model-package.ts';
import { reasonSchema as reason } from '../../../core/reason.ts';

/** Names of endpoints: they appear in URLs, files and stream names. */
export const endpointNameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
    'expected letters, digits, dot, dash or underscore (at most 128)',
  );

/** Number of buckets that sticky routing hashes entities into; a weight of 0.01 is 100 buckets. */
export const bucketCount = 10_000;

/** Most arms of an endpoint, champion included. */
export const maxArms = 20;

/**
 * Names of arms. Some mean something: `champion` has what nobody else has, `challenger` is what a rollout widens,
 * `standby` is kept warm without traffic. `shadow` is no arm: it answers nobody.
 */
export const armNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,39}$/, 'expected small letters, digits or dash (at most 40)')
  .refine((name) => name !== 'shadow', 'a shadow answers nobody: use /shadow');

/**
 * What a replica itself takes an arm's traffic away for, at once and before control knows. Rates are judged by an
 * anytime-valid test after each event, so an arm that keeps within them is withdrawn with probability at most
 * `alpha` for each rate, however long it serves.
 */
export const armGuardSchema = z.strictObject({
  /** Share of requests that the arm itself may fail; what is the caller's fault does not count. */
  maxErrorRatio: z.number().gt(0).lt(1).default(0.05),
  /** Answers slower than this are slow; null: latency is not guarded. */
  slowMs: z.number().positive().nullable().default(null),
  /** Share of answers that may be slow. */
  maxSlowRatio: z.number().gt(0).lt(1).default(0.01),
  /** Whether a score that is NaN or infinite is only a failed request, or the end of the arm's traffic. */
  allowNonFinite: z.boolean().default(false),
  alpha: z.number().gt(0).max(0.1).default(0.001),
});
export type ArmGuard = z.infer<typeof armGuardSchema>;
export const defaultArmGuard: ArmGuard = armGuardSchema.parse({});

export const routeArmSchema = z.object({
  arm: armNameSchema,
  modelVersion: z.string(),
  packageDigest: digestSchema,
  /** Share of the traffic, 0..1; the weights of an endpoint's arms sum to 1. 0: loaded and warm, asked by nobody. */
  weight: z.number().min(0).max(1),
  /** Left out: the arm is not guarded, as the champion, who has nobody to hand over to. */
  guard: armGuardSchema.optional(),
  /**
   * Which of the anchors its entities' buckets grow from; left out: its number among the arms beside the champion. It has
   * one of its own where an arm before it is gone: those that remain keep their entities.
   */
  place: z.int().min(0).optional(),
});
export type RouteArm = z.infer<typeof routeArmSchema>;

export const shadowSchema = z.object({ modelVersion: z.string(), packageDigest: digestSchema });
export type Shadow = z.infer<typeof shadowSchema>;

/** What a replica counted of a guarded arm. */
const guardCountsSchema = z.object({
  requests: z.int(),
  failed: z.int(),
  slow: z.int(),
  nonFinite: z.int(),
});
export type GuardCounts = z.infer<typeof guardCountsSchema>;

/** A replica tells that it took an arm's traffic away, until control's route has the arm no more. */
export const withdrawnArmSchema = z.object({
  endpoint: endpointNameSchema,
  routeVersion: z.int(),
  arm: armNameSchema,
  modelVersion: z.string(),
  counts: guardCountsSchema,
  /** One sentence with the numbers. */
  reason: z.string(),
  atMs: z.int(),
});
export type WithdrawnArm = z.infer<typeof withdrawnArmSchema>;

const modelVersion = z
  .union([z.int().min(1), z.string().min(1)])
  .describe("A version of the endpoint's registered model: its number, also as text");
const target = {
  modelVersion,
  packageDigest: digestSchema
    .optional()
    .describe(
      "Left out: the registry's package of the version. Given: this one, and the version may be any text",
    ),
} as const;

/** POST /api/v1/endpoints/:name/deploy: the version becomes champion with all traffic. */
export const deployVersionSchema = z.strictObject({ ...target, reason });
/**
 * POST …/challenge: the version becomes challenger with `weight` of the traffic. A version that is not the
 * challenger yet draws a new salt; with `shadowRest` it also sees copies of what the champion answers.
 */
export const challengeSchema = z.strictObject({
  ...target,
  weight: z.number().min(0).max(1),
  shadowRest: z.boolean().default(false),
  guard: armGuardSchema.optional(),
  reason,
});
/** POST …/weight: changes an arm's share, the champion has the rest; the salt stays, so widening keeps who was in. */
export const setWeightSchema = z.strictObject({
  arm: armNameSchema.default('challenger'),
  weight: z.number().min(0).max(1),
  reason,
});
/**
 * POST …/split: a fixed split between the champion, who has the rest, and these arms (A/B/n). The same versions under
 * the same names keep the salt.
 */
export const splitSchema = z.strictObject({
  arms: z
    .array(
      z.strictObject({
        arm: armNameSchema.refine((name) => name !== 'champion', 'the champion has what the others leave'),
        ...target,
        weight: z.number().min(0).max(1),
        guard: armGuardSchema.optional(),
      }),
    )
    .min(1)
    .max(maxArms - 1)
    .superRefine((arms, context) => {
      const names = arms.map((a) => a.arm);
      const again = names.findIndex((name, i) => names.indexOf(name) < i);
      if (again >= 0) {
        const message = `expected each arm to have its own name, not "${names[again]}" again`;
        context.addIssue({ code: 'custom', path: [again, 'arm'], message });
      }
      const sum = arms.reduce((total, { weight }) => total + weight, 0);
      if (sum <= 1 + 1e-9) return;
      const message = `the weights add up to ${Number(sum.toPrecision(12))}; give the arms at most 1 together, the champion has the rest`;
      context.addIssue({ code: 'custom', message });
    }),
  reason,
});
/** POST …/standby: the version is loaded and warm and has no traffic, so that `switch` is instant. */
export const standbySchema = z.strictObject({ ...target, reason });
/** POST …/switch: standby and champion change places in one change; again, and all is as before. */
export const switchSchema = z.strictObject({ reason });
/** POST …/shadow: null ends the shadow. */
export const setShadowSchema = z.strictObject({ shadow: z.object(target).nullable(), reason });
/**
 * POST …/promote: an arm, else the challenger, becomes champion with all traffic, in one change. With `modelVersion`
 * only that version is promoted, and nothing changes when it is the champion already.
 */
export const promoteEndpointSchema = z.strictObject({
  modelVersion: modelVersion.optional(),
  arm: armNameSchema.default('challenger'),
  /** The champion until now stays loaded as `standby`, so that `switch` goes back at once. */
  keepPrevious: z.boolean().default(false),
  reason,
});
/** POST …/withdraw: everybody but the champion, or one arm, loses the traffic; the champion has it. */
export const withdrawSchema = z.strictObject({ arm: armNameSchema.optional(), reason });
/** POST …/rollback: to the arms of an earlier route version; default: the champion before the current one. */
export const rollbackEndpointSchema = z.strictObject({ toRouteVersion: z.int().optional(), reason });

/** POST …/override-tokens: lets a tester choose the arm. */
export const createOverrideTokenSchema = z.strictObject({
  arm: armNameSchema,
  /** How long the token is good for. */
  ttlMs: z.int().min(1000).max(2_592_000_000).default(86_400_000),
  reason,
});
export const overrideTokenSchema = z.object({
  /** Name of the header that carries the token. */
  header: z.string(),
  token: z.string(),
  expiresAt: z.string(),
});
export type OverrideToken = z.infer<typeof overrideTokenSchema>;
/** Header of a request whose sender may choose the arm. */
export const overrideHeader = 'x-millrace-arm';

/**
 * POST …/promote-to: the champion of this endpoint goes to another one of the same model, as from staging to
 * production: as champion, or as challenger with a share.
 */
export const promoteToSchema = z.strictObject({
  endpoint: endpointNameSchema,
  as: z.enum(['champion', 'challenger']).default('challenger'),
  /** Share of the challenger. */
  weight: z.number().min(0).max(1).default(0.01),
  reason,
});
