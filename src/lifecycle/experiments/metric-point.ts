import { checkKey, checkLength, invalidParameter, invalidValue, limits, pythonFloat } from './validation.ts';

/** One logged value as a client sent it. */
export interface MetricInput {
  readonly key: string;
  /** May be NaN or infinite. */
  readonly value: number;
  /** Epoch milliseconds. */
  readonly timeMs: number;
  readonly step: number;
  /** The logged model, and the dataset, that the value is about. */
  readonly modelId?: string | undefined;
  readonly datasetName?: string | undefined;
  readonly datasetDigest?: string | undefined;
}

/** One value as it is stored: NaN is a flag beside 0, so that it can be compared and indexed. */
export interface MetricPoint {
  readonly step: number;
  readonly timeMs: number;
  readonly value: number;
  readonly isNan: boolean;
}

const largest = 1.7976931348623157e308;

/** NaN becomes 0 with the flag set; infinities become the largest finite numbers, as in MLflow. */
export function toPoint(input: MetricInput): MetricPoint {
  const isNan = Number.isNaN(input.value);
  const value = isNan ? 0 : Math.min(largest, Math.max(-largest, input.value));
  return { step: input.step, timeMs: input.timeMs, value, isNan };
}

/** The value as a number again: NaN where the flag is set. */
export function pointValue(point: { readonly value: number; readonly isNan: boolean }): number {
  return point.isNan ? Number.NaN : point.value;
}

/** MLflow's order of "latest": by step, then time, then value (NaN counts as 0). */
export function comparePoints(a: MetricPoint, b: MetricPoint): number {
  return a.step - b.step || a.timeMs - b.timeMs || a.value - b.value || Number(a.isNan) - Number(b.isNan);
}

/** Checks key, time and step. `path` is `metrics[3]` in a batch and empty for a single metric. */
export function checkMetric(metric: MetricInput, path: string): void {
  const at = (field: string) => (path ? `${path}.${field}` : field);
  checkKey(metric.key, at('name'));
  if (!Number.isSafeInteger(metric.timeMs) || metric.timeMs < 0) {
    throw invalidParameter(
      invalidValue(
        at('timestamp'),
        metric.timeMs,
        `metric '${metric.key}' (value=${pythonFloat(metric.value)}). Timestamp must be a nonnegative long (64-bit integer) `,
      ),
    );
  }
  if (!Number.isSafeInteger(metric.step)) {
    throw invalidParameter(
      invalidValue(
        at('step'),
        metric.step,
        `metric '${metric.key}' (value=${pythonFloat(metric.value)}). Step must be a valid long (64-bit integer).`,
      ),
    );
  }
  checkLength('Metric name', limits.keyLength, metric.key);
}
