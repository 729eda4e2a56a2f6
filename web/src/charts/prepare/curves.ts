import type { MetricBucket } from '../../../../src/lifecycle/experiments/contract.ts';

/**
 * Curves of a metric, of one run or of many, as columns for drawing. Pure. A bucket is a point at its last value with
 * the extremes of all its points, so that no spike is lost however few buckets there are.
 */

export type CurveX = 'step' | 'time' | 'relative';

export type CurveInput = {
  readonly id: string;
  readonly name: string;
  /** Place in the comparison, which gives colour and dash; the place in the list when left out. */
  readonly place?: number;
  readonly buckets: readonly Pick<MetricBucket, 'step' | 'time' | 'value' | 'min' | 'max' | 'count'>[];
};

export type Curve = {
  readonly id: string;
  readonly name: string;
  readonly place: number;
  /** Growing. Steps, epoch seconds, or seconds since the curve's first point. */
  readonly xs: readonly number[];
  /** Null where the bucket ends on NaN or on an infinity, which is kept as the greatest double: a gap. */
  readonly raw: readonly (number | null)[];
  readonly smooth: readonly (number | null)[] | null;
  readonly lows: readonly (number | null)[];
  readonly highs: readonly (number | null)[];
  /** Whether some bucket holds more than one value, so that there is a band to draw. */
  readonly hasBand: boolean;
};

/**
 * @param smoothing 0 (none) to 0.99: the weight that a point keeps one hundredth of the shown range later
 * @returns curves whose x grows; points that do not (several at one step) are spread in the order they were logged
 */
export function prepareCurves(
  inputs: readonly CurveInput[],
  options: { readonly x: CurveX; readonly smoothing: number; readonly logY: boolean },
): readonly Curve[] {
  return inputs.map((input, index) => {
    const xs = xsOf(input.buckets, options.x);
    const drawable = (value: number | null): number | null =>
      value === null || Math.abs(value) === Number.MAX_VALUE || (options.logY && value <= 0) ? null : value;
    const raw = input.buckets.map((bucket) => drawable(bucket.value === 'NaN' ? null : bucket.value));
    const lows = input.buckets.map((bucket) => drawable(bucket.min));
    const highs = input.buckets.map((bucket) => drawable(bucket.max));
    return {
      id: input.id,
      name: input.name,
      place: input.place ?? index,
      xs,
      raw,
      smooth: options.smoothing > 0 ? smoothed(xs, raw, options.smoothing) : null,
      lows,
      highs,
      hasBand: input.buckets.some((bucket) => bucket.count > 1 && bucket.min !== bucket.max),
    };
  });
}

function xsOf(buckets: CurveInput['buckets'], x: CurveX): readonly number[] {
  const first = Date.parse(buckets[0]?.time ?? '');
  const at = (bucket: CurveInput['buckets'][number]): number =>
    x === 'step' ? bucket.step : (Date.parse(bucket.time) - (x === 'relative' ? first : 0)) / 1000;
  const values = buckets.map(at);
  // A metric that is logged without steps has them all at 0: then the order of the points is the axis.
  const stuck = x === 'step' && values.length > 1 && values.every((value) => value === values[0]);
  if (stuck) return values.map((_, index) => index);
  let before = Number.NEGATIVE_INFINITY;
  return values.map((value) => {
    before = value > before ? value : before + Math.max(1e-9, Math.abs(before) * 1e-12);
    return before;
  });
}

/**
 * Exponential moving average weighted by the distance in x, with the bias of its beginning taken out, so that uneven
 * steps and the first points are not favoured. Gaps stay gaps.
 */
export function smoothed(
  xs: readonly number[],
  values: readonly (number | null)[],
  weight: number,
): readonly (number | null)[] {
  const range = (xs.at(-1) ?? 0) - (xs[0] ?? 0) || 1;
  let sum = 0;
  let mass = 0;
  let before = xs[0] ?? 0;
  return values.map((value, index) => {
    if (value === null) return null;
    const x = xs[index] ?? 0;
    const keep = weight ** ((100 * (x - before)) / range);
    before = x;
    // The new point counts as much as one hundredth of the range does.
    sum = sum * keep + value * (1 - weight);
    mass = mass * keep + (1 - weight);
    return sum / mass;
  });
}

/** A colour of the eight and a dash, by the place in the order of the comparison; the same in every chart of it. */
export function seriesLook(index: number): { readonly ink: string; readonly dash: readonly number[] } {
  const dashes: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [8, 3, 2, 3]];
  return { ink: `--series-${(index % 8) + 1}`, dash: dashes[Math.floor(index / 8) % dashes.length] ?? [] };
}
