import { z } from 'zod';

/**
 * The verdict of a gate on a model, as evaluation gives it, the registry keeps it and a turn of the loop shows it.
 * Browser-safe.
 */

/** `unsure` = the interval holds both passing and failing values: the rows do not decide. */
export const verdictSchema = z.enum(['pass', 'fail', 'unsure']);
export type Verdict = z.infer<typeof verdictSchema>;

/** An estimate with its 95 % confidence interval. null = not defined on these rows (never 0 instead). */
export const estimateSchema = z.object({
  value: z.number().nullable(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** Rows that the value rests on. For precision, recall, specificity: their denominator. */
  n: z.number().int(),
});
export type Estimate = z.infer<typeof estimateSchema>;

/** How one gate was judged, and on what evidence. */
export const gateResultSchema = z.object({
  /** The gate as the loop file has it; null for the check that is always made: every score is a finite number. */
  gate: z.record(z.string(), z.unknown()).nullable(),
  /** Short name, e.g. `auc ≥ 0.65`, `auc vs champion`, `latency p99 ≤ 10 ms`. */
  name: z.string(),
  verdict: verdictSchema,
  /** What was compared with the bound: the metric, the paired difference, or milliseconds. */
  measured: estimateSchema.nullable(),
  /** One sentence, e.g. `AUC 0.713 (0.707 to 0.719) is at least 0.65 on 41,203 rows`. */
  reason: z.string(),
});
export type GateResult = z.infer<typeof gateResultSchema>;
