import type { MetricPoint } from '../metric-point.ts';

/** Consecutive points of a series in order; one point alone is a part too. */
export interface Part {
  readonly count: number;
  /** By step, time, value. */
  readonly last: MetricPoint;
  /** The points with the smallest and greatest number, the first of several; null when all are NaN. */
  readonly min: MetricPoint | null;
  readonly max: MetricPoint | null;
}

/**
 * Parts as flat numbers, ten each: count, then last, smallest and greatest point as step, time and value. A value
 * that is NaN is NaN, and so are the values of extremes that there are not.
 */
export type Pieces = Float64Array;

/** How many numbers of `Pieces` one piece takes. */
export const numbersPerPiece = 10;
const [lastAt, minAt, maxAt] = [1, 4, 7];

/** How many pieces there are; `pointCount` is how many points they stand for. */
export function pieceCount(pieces: Pieces): number {
  return pieces.length / numbersPerPiece;
}

/** How many points there are in all pieces. */
export function pointCount(pieces: Pieces): number {
  let sum = 0;
  for (let at = 0; at < pieces.length; at += numbersPerPiece) sum += pieces[at] as number;
  return sum;
}

/** The step of the last point of piece `i`, which has to be there. */
export function lastStep(pieces: Pieces, i: number): number {
  return pieces[i * numbersPerPiece + lastAt] as number;
}

/** The last point of piece `i`, which has to be there. */
export function lastPoint(pieces: Pieces, i: number): MetricPoint {
  return pointIn(pieces, i * numbersPerPiece + lastAt);
}

/** Each point as a piece. */
export function pieces(points: readonly MetricPoint[]): Pieces {
  const numbers = new Float64Array(points.length * numbersPerPiece);
  points.forEach(({ step, timeMs, value, isNan }, i) => {
    const at = i * numbersPerPiece;
    numbers[at] = 1;
    for (const offset of [lastAt, minAt, maxAt]) {
      numbers[at + offset] = step;
      numbers[at + offset + 1] = timeMs;
      numbers[at + offset + 2] = isNan ? Number.NaN : value;
    }
  });
  return numbers;
}

/** Parts as flat numbers, in their order; extremes that there are not have the value NaN. */
export function encoded(parts: readonly Part[]): Pieces {
  return Float64Array.from(
    parts.flatMap(({ count, last, min, max }) => [count, ...flat(last), ...flat(min), ...flat(max)]),
  );
}

function flat(point: MetricPoint | null): readonly number[] {
  return point ? [point.step, point.timeMs, point.isNan ? Number.NaN : point.value] : [0, 0, Number.NaN];
}

/**
 * Lists of pieces one behind the other. They are not merged or sorted: the caller hands them in the order of
 * the series.
 */
export function joinedPieces(lists: readonly Pieces[]): Pieces {
  const joined = new Float64Array(lists.reduce((sum, list) => sum + list.length, 0));
  let at = 0;
  for (const list of lists) {
    joined.set(list, at);
    at += list.length;
  }
  return joined;
}

/** Joins pieces, in order, into at most `limit` parts of about as many points each. */
export function partsOf(pieces: Pieces, limit: number): readonly Part[] {
  const total = pointCount(pieces);
  const parts: Part[] = [];
  let [before, current, begin] = [0, 0, 0];
  for (let at = 0; at < pieces.length; at += numbersPerPiece) {
    const count = pieces[at] as number;
    const part = Math.min(limit - 1, Math.floor(((before + (count - 1) / 2) * limit) / total));
    if (part !== current && at > begin) {
      parts.push(partOf(pieces, begin, at));
      begin = at;
    }
    current = part;
    before += count;
  }
  if (begin < pieces.length) parts.push(partOf(pieces, begin, pieces.length));
  return parts;
}

function partOf(pieces: Pieces, begin: number, end: number): Part {
  let [count, min, max] = [0, -1, -1];
  for (let at = begin; at < end; at += numbersPerPiece) {
    count += pieces[at] as number;
    const low = pieces[at + minAt + 2] as number;
    const high = pieces[at + maxAt + 2] as number;
    if (!Number.isNaN(low) && (min < 0 || low < (pieces[min + minAt + 2] as number))) min = at;
    if (!Number.isNaN(high) && (max < 0 || high > (pieces[max + maxAt + 2] as number))) max = at;
  }
  return {
    count,
    last: pointIn(pieces, end - numbersPerPiece + lastAt),
    min: min < 0 ? null : pointIn(pieces, min + minAt),
    max: max < 0 ? null : pointIn(pieces, max + maxAt),
  };
}

function pointIn(pieces: Pieces, at: number): MetricPoint {
  const given = pieces[at + 2] as number;
  const isNan = Number.isNaN(given);
  return {
    step: pieces[at] as number,
    timeMs: pieces[at + 1] as number,
    value: isNan ? 0 : given,
    isNan,
  };
}
