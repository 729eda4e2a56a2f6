import { z } from 'zod';

const time = z.iso.datetime({ offset: true });

/** The complaint of a value that is of another kind: what it is, and what is taken. */
const other =
  (expected: string) =>
  ({ input }: { readonly input?: unknown }): string => {
    const shown = typeof input === 'number' ? String(input) : JSON.stringify(input)?.slice(0, 100);
    return shown === undefined ? `is missing; expected ${expected}` : `is ${shown}; expected ${expected}`;
  };
const notTime = other('a time like 2026-01-31T12:00:00Z, or epoch milliseconds');
const notValue = other('a finite number, true, false or a text of 1 to 1,000 letters');

/** 1973-03-03. A smaller number is nearly always a time in seconds: it would lie in 1970, and any other label after it. */
const leastEpochMs = 1e11;
const isEpochMs = (value: number): boolean => Math.abs(value) >= leastEpochMs;
const notMs = ({ input }: { readonly input?: unknown }): string =>
  `is ${String(input)}, which looks like seconds; expected epoch milliseconds (a time near 1970 as text, like 1970-01-31T12:00:00Z)`;

/** RFC 3339 or epoch milliseconds. */
const anyTime = z.union([
  z.iso.datetime({ offset: true, error: notTime }),
  z.int({ error: notTime }).refine(isEpochMs, { error: notMs }),
]);

export const labelValueSchema = z.union([
  z.number({ error: notValue }),
  z.boolean({ error: notValue }),
  z.string({ error: notValue }).min(1, { error: notValue }).max(1000, { error: notValue }),
]);
export type LabelValue = z.infer<typeof labelValueSchema>;

const keptValueSchema = z.union([z.number(), z.boolean(), z.string()]);

/** A label's value from its JSON, as it is kept. Throws for what was never taken as one. */
export function labelValueOf(json: unknown): LabelValue {
  return keptValueSchema.parse(JSON.parse(z.string().parse(json)));
}

/** A text that is not empty. */
function textOf(longest: number) {
  const error = other(`a text of 1 to ${longest.toLocaleString('en')} letters`);
  return z.string({ error }).min(1, { error }).max(longest, { error });
}

const toleranceMs = z.int().min(0).max(31_536_000_000);

/** Which prediction: its id, or the entity and about when it was predicted. */
const target = {
  predictionId: textOf(200).optional(),
  entity: textOf(1000).optional(),
  /** With `entity`: event time of the prediction that is meant; the nearest within the tolerance is taken. */
  at: anyTime.optional(),
  /** Left out: what the endpoint's feedback settings say. */
  toleranceMs: toleranceMs.optional(),
};
const oneTarget = ({
  predictionId,
  entity,
  at,
}: {
  predictionId?: unknown;
  entity?: unknown;
  at?: unknown;
}) =>
  predictionId === undefined
    ? entity !== undefined && at !== undefined
    : entity === undefined && at === undefined;
const oneTargetProblem = { error: 'needs either predictionId, or entity and at' };

export const labelSchema = z
  .strictObject({
    ...target,
    /** true and false are kept as 1 and 0. */
    value: labelValueSchema,
    /** When the truth became known. */
    eventTime: anyTime,
  })
  .refine(oneTarget, oneTargetProblem);
export type Label = z.infer<typeof labelSchema>;

/**
 * Late, twice and in any order: all right. Of several labels of one prediction the one with the last event time
 * counts, among equals the one received last; the others are kept and shown.
 */
export const postLabelsRequestSchema = z.strictObject({
  endpoint: z.string().min(1).max(200),
  labels: z.array(labelSchema).min(1).max(10_000),
});
export type PostLabelsRequest = z.infer<typeof postLabelsRequestSchema>;

/** Sent only when every label is on disk. */
export const postLabelsResponseSchema = z.strictObject({
  accepted: z.int(),
  /** Of these, labels by entity: each is joined when its prediction is found. */
  byEntity: z.int().default(0),
});
export type PostLabelsResponse = z.infer<typeof postLabelsResponseSchema>;

const signalNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,63}$/, 'expected a name of small letters, digits, - and _');

/** What somebody said (rating, thumbs, text) or did (click, dwell, return) after a prediction. */
export const signalSchema = z
  .strictObject({
    ...target,
    signal: signalNameSchema,
    /** How much of it: seconds of dwelling, stars, true for a click. A text is kept and shown, it has no weight. */
    value: labelValueSchema.default(1),
    eventTime: anyTime,
  })
  .refine(oneTarget, oneTargetProblem);
export type Signal = z.infer<typeof signalSchema>;

export const postSignalsRequestSchema = z.strictObject({
  endpoint: z.string().min(1).max(200),
  signals: z.array(signalSchema).min(1).max(10_000),
});
export type PostSignalsRequest = z.input<typeof postSignalsRequestSchema>;

/** One label or signal of a prediction as it was received. */
export const receivedLabelSchema = z.strictObject({
  signal: z.string().nullable(),
  value: labelValueSchema,
  eventTime: time,
  receivedAt: time,
  /** `api`, `upload:<id>`, `query:<name>` or `rule`. */
  source: z.string(),
  /** How the prediction was found when it was not named by its id. */
  note: z.string().nullable(),
  /** Whether it is the label that counts. */
  counts: z.boolean(),
});
export type ReceivedLabel = z.infer<typeof receivedLabelSchema>;

/** A label whose prediction is not in the log (yet). */
export const waitingLabelSchema = z.strictObject({
  id: z.string(),
  endpoint: z.string(),
  predictionId: z.string().nullable(),
  entity: z.string().nullable(),
  at: time.nullable(),
  toleranceMs: z.int().nullable(),
  signal: z.string().nullable(),
  value: labelValueSchema,
  eventTime: time,
  receivedAt: time,
  source: z.string(),
});
export type WaitingLabel = z.infer<typeof waitingLabelSchema>;

export const waitingLabelsQuerySchema = z.strictObject({
  endpoint: z.string().min(1),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.string().optional(),
});

/** A prediction that was labelled with different values. */
export const conflictSchema = z.strictObject({
  predictionId: z.string(),
  labels: z.int(),
  values: z.array(labelValueSchema),
  counts: labelValueSchema,
});
export type Conflict = z.infer<typeof conflictSchema>;

const labelTypeSchema = z.enum(['any', 'binary', 'number', 'text']);
export type LabelType = z.infer<typeof labelTypeSchema>;

/** How a signal bears on the outcome: `weight` × its value, if it came within the time after the prediction. */
const signalWeightSchema = z.strictObject({
  signal: signalNameSchema,
  weight: z.number(),
  withinMs: z.int().min(1),
  /** The value counts at most this much before it is weighted. */
  cap: z.number().positive().optional(),
});

/**
 * A rule that makes an outcome of signals. When the longest window of a prediction is over, its weighted sum is
 * taken; at `threshold` or more the outcome is 1, else 0. A signal that comes late changes it.
 */
const outcomeRuleSchema = z.strictObject({
  signals: z.array(signalWeightSchema).min(1).max(32),
  threshold: z.number(),
  /** What a prediction without any signal gets: an outcome of 0, or none (it stays without a label). */
  silence: z.enum(['negative', 'missing']).default('negative'),
});
export type OutcomeRule = z.infer<typeof outcomeRuleSchema>;

/** What an endpoint's labels are like. */
export const feedbackSettingsSchema = z.strictObject({
  /** Labels of another type are refused. binary: true, false, 0 or 1. */
  labelType: labelTypeSchema.default('any'),
  /** For labels by entity that bring no tolerance of their own. */
  toleranceMs: toleranceMs.default(60_000),
  rule: outcomeRuleSchema.nullable().default(null),
  /** Predictions and labels with older event time are removed; null keeps all. */
  keepDays: z.int().min(1).max(36_500).nullable().default(null),
});
export type FeedbackSettings = z.infer<typeof feedbackSettingsSchema>;
export const defaultFeedbackSettings: FeedbackSettings = feedbackSettingsSchema.parse({});

const delaysMs = z.strictObject({
  p50: z.number(),
  p90: z.number(),
  p95: z.number(),
  p99: z.number(),
  max: z.number(),
});

/** How late labels are and how many never came, for one value of a feature or for all. */
const labelDelaySchema = z.strictObject({
  /** null for all predictions together, and for rows without the feature. */
  segment: z.string().nullable(),
  /** Those that were answered, or labelled all the same: without an answer nobody waits for a label. */
  predictions: z.int(),
  labelled: z.int(),
  /** Share of predictions without a label. */
  missingRatio: z.number(),
  /** From the prediction's event time to the label's; null without labels. */
  delayMs: delaysMs.nullable(),
  /**
   * From the receipt of the prediction to that of its label, both by the clock on the wall, so that times of a replay
   * tell nothing here; 0 where the label came first; null without labels.
   */
  receiptDelayMs: delaysMs.nullable(),
});
export const labelDelaysSchema = z.strictObject({
  endpoint: z.string(),
  feature: z.string().nullable(),
  total: labelDelaySchema,
  segments: z.array(labelDelaySchema),
  /** When it was measured: the same question gets the same answer for ten seconds or ten times as long as it took. */
  measuredAt: z.string(),
});
export type LabelDelays = z.infer<typeof labelDelaysSchema>;

export const labelDelaysQuerySchema = z.strictObject({
  endpoint: z.string().min(1),
  /** Splits by the values of this feature, the commonest 50. */
  feature: z.string().min(1).optional(),
  /** `true`: measured now, however short a time ago it was. */
  fresh: z.stringbool().default(false),
  from: time.optional(),
  to: time.optional(),
});
export type LabelDelaysQuery = z.infer<typeof labelDelaysQuerySchema>;

/** GET /api/v1/labels/by-day */
export const labelsByDayQuerySchema = z.strictObject({
  endpoint: z.string().min(1),
  /** So many days (UTC) up to and with the day of `to`. */
  days: z.coerce.number().int().min(1).max(400).default(90),
  /** Left out: the last prediction that was logged. */
  to: time.optional(),
  /** `true`: measured now, however short a time ago it was. */
  fresh: z.stringbool().default(false),
});
export type LabelsByDayQuery = z.infer<typeof labelsByDayQuerySchema>;

export const labelsByDaySchema = z.strictObject({
  endpoint: z.string(),
  /** In order of time; a day without predictions is left out. */
  days: z.array(
    labelDelaySchema.omit({ segment: true }).extend({
      /** UTC, by the event time of predictions. */
      day: z.iso.date(),
      /** Predictions without a label (yet): predictions = labelled + missing. */
      missing: z.int(),
    }),
  ),
  /** When it was measured: the same question gets the same answer for ten seconds or ten times as long as it took. */
  measuredAt: z.string(),
});
export type LabelsByDay = z.infer<typeof labelsByDaySchema>;
