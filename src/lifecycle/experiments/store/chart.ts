import type { Database } from '../../../platform/db/index.ts';
import { comparePoints, type MetricPoint } from '../metric-point.ts';
import {
  joinedPieces,
  lastPoint,
  lastStep,
  numbersPerPiece,
  type Part,
  type Pieces,
  partsOf,
  pieceCount,
  pieces,
  pointCount,
} from './pieces.ts';
import { keptChunks, makeRollups, pointsBetween, pointsPerChunk } from './rollups.ts';

export interface StepRange {
  readonly startStep: number;
  readonly endStep: number;
}

/** A part of a history: its last point, its extremes, and how many points it has. */
export type ChartBucket = Part;

interface Series {
  readonly id: number;
  readonly count: number;
}

/**
 * A series in the order of steps, cut into at most `buckets` parts of about as many points each; every point counts
 * in one of them. With fewer points than buckets each point is a part of its own.
 */
export async function chart(
  db: Database,
  series: Series,
  buckets: number,
  range: StepRange | null,
): Promise<readonly ChartBucket[]> {
  const found = await piecesOf(db, series, buckets, range);
  return partsOf(found, Math.min(buckets, pointCount(found)));
}

/**
 * At most `count` real points of a history in order: all of them, or the first, the last and the extremes of as many
 * even parts as there is room for; of one, the last.
 */
export async function sampledPoints(
  db: Database,
  series: Series & { readonly first: MetricPoint },
  count: number,
  range: StepRange | null,
): Promise<readonly MetricPoint[]> {
  const found = await piecesOf(db, series, count, range);
  const [total, length] = [pointCount(found), pieceCount(found)];
  if (total <= count) return Array.from({ length }, (_, i) => lastPoint(found, i));
  const last = lastPoint(found, length - 1);
  if (count === 1) return [last];
  const isWhole = !range || range.startStep <= series.first.step;
  const [first] = isWhole
    ? [series.first]
    : await pointsBetween(db.read, series.id, null, { from: range.startStep }, 1);
  const parts = count > 3 ? partsOf(found, Math.floor((count - 2) / 2)) : [];
  const wanted = [first, ...parts.flatMap(({ min, max }) => [min, max]), last].filter((point) => !!point);
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
  { id: seriesId, count }: Series,
  buckets: number,
  range: StepRange | null,
): Promise<Pieces> {
  const [from, to] = [range?.startStep, range?.endStep];
  const single = async (
    ...of: [MetricPoint | null, { from?: number | undefined; to?: number | undefined }]
  ) => pieces(await pointsBetween(db.read, seriesId, ...of));
  if (count <= buckets * pointsPerChunk) return single(null, { from, to });
  await makeRollups(db, seriesId);
  const kept = await keptChunks(db.read, seriesId);
  const chunks = pieceCount(kept);
  // A chunk is within when what comes before it ends at or after the start, and it ends before the end.
  let begin = 0;
  if (from !== undefined) {
    while (begin < chunks && lastStep(kept, begin) < from) begin++;
    begin++;
  }
  let end = begin;
  while (end < chunks && (to === undefined || lastStep(kept, end) <= to)) end++;
  if (end === begin || begin >= chunks) return single(null, { from, to });
  const head = from === undefined ? [] : await startOfRange(db, seriesId, kept, begin - 1, from);
  const whole = kept.subarray(begin * numbersPerPiece, end * numbersPerPiece);
  return joinedPieces([pieces(head), whole, await single(lastPoint(kept, end - 1), { to })]);
}

/** The points of a chunk from step `from` on. */
async function startOfRange(
  db: Database,
  seriesId: number,
  kept: Pieces,
  chunk: number,
  from: number,
): Promise<readonly MetricPoint[]> {
  const before = chunk > 0 ? lastPoint(kept, chunk - 1) : null;
  const points = await pointsBetween(db.read, seriesId, before, {}, pointsPerChunk);
  return points.filter((point) => point.step >= from);
}
