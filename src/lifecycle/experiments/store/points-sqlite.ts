import type { SqliteStatements } from '../../../platform/db/index.ts';
import { isBehind, KnownRuns, type KnownSeries, takeIn, takeInNext } from './known-runs.ts';
import { type PointBatch, pointAt } from './point-batch.ts';
import { putPoints } from './points.ts';
import { dropRollups } from './rollups.ts';
import { moveTail } from './settling.ts';
import { sortedPoints } from './summary.ts';
import { TailWriter } from './tail.ts';

/**
 * Adds points to a run's series on SQLite. Points behind the last of their series, as nearly all are, go to the
 * run's tail and need no look at what is there; others are put where they belong at once.
 */
export function addPointsOnSqlite(sqlite: SqliteStatements, runSeq: number, batch: PointBatch): void {
  const runs = KnownRuns.of(sqlite);
  const run = runs.get(runSeq);
  const tail = new TailWriter(batch.keys.length);
  const older = new Map<KnownSeries, number[]>();
  for (let i = 0; i < batch.keys.length; i++) {
    const key = batch.keys[i] as string;
    const series = run.series.get(key) ?? runs.add(run, key);
    const step = batch.numbers[i * 3] as number;
    const timeMs = batch.numbers[i * 3 + 1] as number;
    const value = batch.numbers[i * 3 + 2] as number;
    if (isBehind(series, step, timeMs, value)) {
      takeInNext(series, step, timeMs, value);
      run.changed.add(series);
      tail.push(series.id, step, timeMs, value);
    } else {
      older.set(series, [...(older.get(series) ?? []), i]);
    }
  }
  if (tail.count > 0) {
    runs.beginUnsummed(run);
    tail.write(sqlite, runSeq, run.tailEnd);
    run.tailEnd += tail.count;
  }
  if (older.size === 0) return;
  // What is in the tail has to be where it is looked for.
  while (moveTail(sqlite, runSeq) > 0);
  for (const [series, places] of older) {
    const points = sortedPoints(places.map((i) => pointAt(batch, i)));
    const added = putPoints(sqlite, series.id, points);
    if (!added[0]) continue;
    takeIn(series, added);
    runs.writeSummary(series);
    dropRollups(sqlite, series.id, added[0]);
  }
}
