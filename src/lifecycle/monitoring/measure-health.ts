import { wilson } from '../../core/statistics/wilson.ts';
import type { Health, MonitorSpec } from './contract.ts';
import { percent, threeDigits } from './text.ts';

export interface HealthCounts {
  readonly requests: number;
  /** Not answered by the model's or the server's own fault. */
  readonly failed: number;
  /** Refused for what their callers sent. */
  readonly refused: number;
  readonly nonFinite: number;
  readonly latencyMs: Health['latencyMs'];
}

/** The 99th percentile of fewer answers than this says nothing. */
const minAnswersForP99 = 100;

/** A window of which more is refused than this is one in which callers and the model have come apart. */
export const mostRefused = 0.5;

/**
 * Rate, errors and latency of a window. Bad if the whole interval of the error ratio is above the limit, or that of the
 * refused share above a half, or the 99th percentile of latency (of at least 100 answers) above its limit. Non-finite
 * scores count as errors; what callers got wrong is no error, and in no denominator but that of the refused share.
 */
export function measureHealth(
  { requests, failed, refused, nonFinite, latencyMs }: HealthCounts,
  windowMs: number,
  spec: MonitorSpec['health'],
): Health {
  const bad = failed + nonFinite;
  const asked = requests - refused;
  const { value, low, high } = wilson(bad, asked);
  const answers = asked - failed;
  const tooManyErrors = (low ?? 0) > spec.maxErrorRatio;
  const limit = spec.maxLatencyP99Ms;
  const tooSlow =
    limit !== undefined && latencyMs !== null && answers >= minAnswersForP99 && latencyMs.p99 > limit;
  const reasons = [
    ...(tooManyErrors
      ? [`errors ${percent(value ?? 0)} of ${asked} requests (limit ${percent(spec.maxErrorRatio)})`]
      : []),
    ...(isMostlyRefused({ requests, refused }) ? [refusedText({ requests, refused })] : []),
    ...(tooSlow ? [`latency p99 ${threeDigits(latencyMs.p99)} ms (limit ${limit} ms)`] : []),
  ];
  return {
    requests,
    failed,
    refused,
    nonFinite,
    errorRatio: { value: value ?? 0, low, high },
    requestsPerHour: requests / (windowMs / 3_600_000),
    latencyMs,
    verdict: reasons.length > 0 ? 'bad' : requests === 0 ? 'insufficient' : 'good',
    reason:
      reasons.length > 0
        ? reasons.join('; ')
        : `${requests} requests, ${bad} errors${refused > 0 ? `, ${refused} refused` : ''}${latencyMs ? `, latency p99 ${threeDigits(latencyMs.p99)} ms` : ''}`,
  };
}

type Refusals = Pick<HealthCounts, 'requests' | 'refused'>;

/** Is the whole interval of the refused share above a half? */
export const isMostlyRefused = ({ requests, refused }: Refusals): boolean =>
  (wilson(refused, requests).low ?? 0) > mostRefused;

export const refusedText = ({ requests, refused }: Refusals): string =>
  `${percent(refused / requests)} of ${requests} requests were refused for what callers sent`;
