import type { MetricInput, MetricPoint } from '../metric-point.ts';
import { toPoint } from '../metric-point.ts';

/** Points of several metrics in little memory: requests that wait for their turn hold nothing else. */
export interface PointBatch {
  /** Of each point. */
  readonly keys: readonly string[];
  /** Step, time in milliseconds and value (NaN as such) of each point. */
  readonly numbers: Float64Array;
}

const numbersPerPoint = 3;

function batchOf(keys: readonly string[], pointAt: (i: number) => MetricPoint): PointBatch {
  const numbers = new Float64Array(keys.length * numbersPerPoint);
  for (let i = 0; i < keys.length; i++) {
    const { step, timeMs, value, isNan } = pointAt(i);
    numbers[i * numbersPerPoint] = step;
    numbers[i * numbersPerPoint + 1] = timeMs;
    numbers[i * numbersPerPoint + 2] = isNan ? Number.NaN : value;
  }
  return { keys, numbers };
}

/** A batch of points as a request brings them; infinities become the largest finite numbers (`toPoint`). */
export function batchOfInputs(metrics: readonly MetricInput[]): PointBatch {
  return batchOf(
    metrics.map((metric) => metric.key),
    (i) => toPoint(metrics[i] as MetricInput),
  );
}

/** A batch of points that are read already, metric by metric. */
export function batchOfPoints(pointsByKey: ReadonlyMap<string, readonly MetricPoint[]>): PointBatch {
  const points = [...pointsByKey].flatMap(([key, ofKey]) => ofKey.map((point) => ({ key, point })));
  return batchOf(
    points.map(({ key }) => key),
    (i) => (points[i] as (typeof points)[number]).point,
  );
}

/** The point at place `i`, which has to be there; a NaN has the value 0 and the flag. */
export function pointAt({ numbers }: PointBatch, i: number): MetricPoint {
  const at = i * numbersPerPoint;
  const given = numbers[at + 2] as number;
  const isNan = Number.isNaN(given);
  return {
    step: numbers[at] as number,
    timeMs: numbers[at + 1] as number,
    value: isNan ? 0 : given,
    isNan,
  };
}

/** The points by metric, each metric’s in the order of the batch. */
export function pointsByKey(batch: PointBatch): ReadonlyMap<string, readonly MetricPoint[]> {
  const byKey = new Map<string, MetricPoint[]>();
  batch.keys.forEach((key, i) => {
    const points = byKey.get(key) ?? [];
    if (points.length === 0) byKey.set(key, points);
    points.push(pointAt(batch, i));
  });
  return byKey;
}
