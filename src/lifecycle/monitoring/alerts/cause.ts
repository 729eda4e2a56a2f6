import { z } from 'zod';
import {
  alertKindSchema,
  type ColumnDrift,
  type Health,
  type MonitorSpec,
  type Performance,
} from '../contract.ts';
import { isMostlyRefused, mostRefused, refusedText } from '../measure-health.ts';
import { percent, threeDigits } from '../text.ts';

/** Something in a window that an alert is made of when it persists. */
export const causeSchema = z.object({
  kind: alertKindSchema,
  /** The column or the metric; '' where the kind says it all. */
  subject: z.string(),
  severity: z.enum(['watch', 'bad']),
  value: z.number().nullable(),
  threshold: z.number().nullable(),
  reason: z.string(),
});
export type Cause = Readonly<z.infer<typeof causeSchema>>;

/** An effect this many times what matters is bad, not only worth watching. */
const badFactor = 4;

/** What a window's inputs and scores give cause for. */
export function driftCauses(columns: readonly ColumnDrift[], spec: MonitorSpec['drift']): readonly Cause[] {
  return columns.flatMap((column): Cause[] => {
    const causes: Cause[] = [];
    if (column.verdict === 'drifted') {
      causes.push({
        kind: column.role === 'score' ? 'score-drift' : 'feature-drift',
        subject: column.column,
        severity: (column.effect ?? 0) >= badFactor * column.effectThreshold ? 'bad' : 'watch',
        value: column.effect,
        threshold: column.effectThreshold,
        reason: column.reason,
      });
    }
    const { missing } = column;
    if (missing.verdict === 'drifted') {
      const rise = missing.currentRatio - missing.referenceRatio;
      causes.push({
        kind: 'missing-values',
        subject: column.column,
        severity: Math.abs(rise) >= badFactor * spec.missingRise ? 'bad' : 'watch',
        value: missing.currentRatio,
        threshold: spec.missingRise,
        reason: `${column.column} missing in ${percent(missing.currentRatio)} of rows, was ${percent(missing.referenceRatio)}`,
      });
    }
    return causes;
  });
}

/** What a window's errors and latency give cause for. */
export function healthCauses(health: Health, spec: MonitorSpec['health']): readonly Cause[] {
  if (health.verdict !== 'bad') return [];
  const causes: Cause[] = [];
  if ((health.errorRatio.low ?? 0) > spec.maxErrorRatio) {
    causes.push({
      kind: 'errors',
      subject: '',
      severity: 'bad',
      value: health.errorRatio.value,
      threshold: spec.maxErrorRatio,
      reason: `${percent(health.errorRatio.value)} of ${health.requests - health.refused} requests failed (limit ${percent(spec.maxErrorRatio)})`,
    });
  }
  if (isMostlyRefused(health)) {
    causes.push({
      kind: 'refused',
      subject: '',
      severity: 'bad',
      value: health.refused / health.requests,
      threshold: mostRefused,
      reason: refusedText(health),
    });
  }
  const limit = spec.maxLatencyP99Ms;
  if (limit !== undefined && health.latencyMs && health.latencyMs.p99 > limit) {
    causes.push({
      kind: 'latency',
      subject: '',
      severity: 'bad',
      value: health.latencyMs.p99,
      threshold: limit,
      reason: `latency p99 ${threeDigits(health.latencyMs.p99)} ms (limit ${limit} ms)`,
    });
  }
  return causes;
}

/** What the watched metric of a matured window gives cause for. */
export function performanceCauses(
  performance: Performance,
  spec: MonitorSpec['performance'],
): readonly Cause[] {
  const result = performance.metrics.find(({ metric }) => metric === spec.metric);
  if (result?.verdict !== 'worse') return [];
  return [
    {
      kind: 'performance',
      subject: result.metric,
      severity: 'bad',
      value: result.difference?.value ?? null,
      threshold: spec.tolerance,
      reason: result.reason,
    },
  ];
}
