import type { Database } from '../../../platform/db/index.ts';
import { comparePoints, type MetricPoint } from '../metric-point.ts';
import { type Chunk, chunkOf, keptChunks, makeRollups, pointsBetween, pointsPerChunk } from './rollups.ts';

export interface StepRange {
  readonly startStep: number;
  readonly endStep: number;
}

/** A part of a history: its last point, its extremes, and how many points it has. */
export type ChartBucket = Chunk;

/**
 * A series in the order of steps, cut into at most `buckets` parts of about as many points each; every point counts
 * in one of them. With fewer points than buckets each point is a part of its own.
 */
export async function chart(
  db: Database,
  series: { readonly id: number; readonly count: number },
  buckets: number,
  range: StepRange | null,
): Promise<readonly ChartBucket[]> {
  return cut(await piecesOf(db, series, buckets, range), buckets);
}

/**
 * At most `count` real points of a history in order: all of them, or the first, the last and the extremes of as many
 * even parts as there is room for; of one, the last.
 */
export async function sampledPoints(
  db: Database,
  series: { readonly id: number; readonly count: number; readonly first: MetricPoint },
  count: number,
  range: StepRange | null,
): Promise<readonly MetricPoint[]> {
  const pieces = await piecesOf(db, series, count, range);
  const total = pieces.reduce((sum, piece) => sum + piece.count, 0);
  const last = pieces.at(-1)?.last;
  if (!last) return [];
  if (total <= count) return pieces.map((piece) => piece.last);
  if (count === 1) return [last];
  const isWhole = !range || range.startStep <= series.first.step;
  const [first] = isWhole
    ? [series.first]
    : await pointsBetween(db.read, series.id, null, { from: range.startStep }, 1);
  const extremes = cut(pieces, Math.max(1, Math.floor((count - 2) / 2))).flatMap(({ min, max }) => [
    min,
    max,
  ]);
  const wanted = [first, ...(count > 3 ? extremes : []), last].filter((point) => !!point);
  return wanted
    .sort(comparePoints)
    .filter((point, i) => i === 0 || comparePoints(point, wanted[i - 1] as MetricPoint) !== 0);
}

/**
 * The points of a series in pieces: each by itself where that makes no more than 64 per bucket, else kept chunks
 * where they lie within the range, and single points around and after them.
 */
async function piecesOf(
  db: Database,
  { id: seriesId, count }: { readonly id: number; readonly count: number },
  buckets: number,
  range: StepRange | null,
): Promise<readonly Chunk[]> {
  const [from, to] = [range?.startStep, range?.endStep];
  const single = (point: MetricPoint): Chunk => chunkOf([point]);
  if (count <= buckets * pointsPerChunk) {
    return (await pointsBetween(db.read, seriesId, null, { from, to })).map(single);
  }
  await makeRollups(db, seriesId);
  const kept = await keptChunks(db.read, seriesId);
  // A chunk is within when what comes before it ends at or after the start, and it ends before the end.
  const begin = from === undefined ? 0 : kept.findIndex(({ last }) => last.step >= from) + 1;
  const inside = from !== undefined && begin === 0 ? [] : kept.slice(begin);
  const beyond = to === undefined ? -1 : inside.findIndex(({ last }) => last.step > to);
  const whole = beyond === -1 ? inside : inside.slice(0, beyond);
  const [before, after] = [kept[begin - 1]?.last, whole.at(-1)?.last];
  if (!after) return (await pointsBetween(db.read, seriesId, null, { from, to })).map(single);
  const head =
    from === undefined || !before ? [] : await endOfChunk(db, seriesId, kept[begin - 2]?.last, from);
  const rest = await pointsBetween(db.read, seriesId, after, { to });
  return [...head.map(single), ...whole, ...rest.map(single)];
}

/** The points of the chunk after `end` from step `from` on. */
async function endOfChunk(
  db: Database,
  seriesId: number,
  end: MetricPoint | undefined,
  from: number,
): Promise<readonly MetricPoint[]> {
  const points = await pointsBetween(db.read, seriesId, end ?? null, {}, pointsPerChunk);
  return points.filter((point) => point.step >= from);
}

/** Joins pieces, in order, into at most `buckets` parts of about as many points each. */
function cut(pieces: readonly Chunk[], buckets: number): readonly ChartBucket[] {
  if (pieces.length <= buckets) return pieces;
  const total = pieces.reduce((sum, piece) => sum + piece.count, 0);
  const parts: Chunk[][] = [];
  let [before, current] = [0, -1];
  for (const piece of pieces) {
    const bucket = Math.min(buckets - 1, Math.floor(((before + (piece.count - 1) / 2) * buckets) / total));
    if (bucket !== current) parts.push([]);
    parts.at(-1)?.push(piece);
    before += piece.count;
    current = bucket;
  }
  return parts.map(joined);
}

function joined(pieces: readonly Chunk[]): Chunk {
  const last = pieces.at(-1)?.last;
  if (!last) throw new Error('a part without points');
  let [min, max]: [MetricPoint | null, MetricPoint | null] = [null, null];
  let count = 0;
  for (const piece of pieces) {
    count += piece.count;
    if (piece.min && (min === null || piece.min.value < min.value)) min = piece.min;
    if (piece.max && (max === null || piece.max.value > max.value)) max = piece.max;
  }
  return { count, last, min, max };
}
