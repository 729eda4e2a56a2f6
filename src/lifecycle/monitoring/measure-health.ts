import { wilson } from '../../core/statistics/wilson.ts';
import type { Health, MonitorSpec } from './contract.ts';
import { percent, threeDigits } from './text.ts';

export interface HealthCounts {
  readonly requests: number;
  readonly failed: number;
  readonly nonFinite: number;
  readonly latencyMs: Health['latencyMs'];
}

/** The 99th percentile of fewer answers than this says nothing. */
const minAnswersForP99 = 100;

/**
 * Rate, errors and latency of a window. Bad if the error ratio's whole interval is above the limit, or the 99th
 * percentile of latency (of at least 100 answers) is. Non-finite scores count as errors.
 */
export function measureHealth(
  { requests, failed, nonFinite, latencyMs }: HealthCounts,
  windowMs: number,
  spec: MonitorSpec['health'],
): Health {
  const bad = failed + nonFinite;
  const { value, low, high } = wilson(bad, requests);
  const answers = requests - failed;
  const tooManyErrors = (low ?? 0) > spec.maxErrorRatio;
  const limit = spec.maxLatencyP99Ms;
  const tooSlow =
    limit !== undefined && latencyMs !== null && answers >= minAnswersForP99 && latencyMs.p99 > limit;
  const reasons = [
    ...(tooManyErrors
      ? [`errors ${percent(value ?? 0)} of ${requests} requests (limit ${percent(spec.maxErrorRatio)})`]
      : []),
    ...(tooSlow ? [`latency p99 ${threeDigits(latencyMs.p99)} ms (limit ${limit} ms)`] : []),
  ];
  return {
    requests,
    failed,
    nonFinite,
    errorRatio: { value: value ?? 0, low, high },
    requestsPerHour: requests / (windowMs / 3_600_000),
    latencyMs,
    verdict: reasons.length > 0 ? 'bad' : requests === 0 ? 'insufficient' : 'good',
    reason:
      reasons.length > 0
        ? reasons.join('; ')
        : `${requests} requests, ${bad} errors${latencyMs ? `, latency p99 ${threeDigits(latencyMs.p99)} ms` : ''}`,
  };
}
