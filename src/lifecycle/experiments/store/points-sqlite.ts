import type { SqliteStatements, Tx } from '../../../platform/db/index.ts';
import type { MetricPoint } from '../metric-point.ts';
import { isBehind, KnownRuns, takeIn } from './known-runs.ts';
import { insertPoints } from './points.ts';
import { moveTail } from './settling.ts';
import { sortedPoints } from './summary.ts';
import { TailWriter } from './tail.ts';

/**
 * Adds points to a run's series on SQLite. Points behind the last of their series, as nearly all are, go to the
 * run's tail and need no look at what is there; others are put where they belong at once.
 */
export async function addPointsOnSqlite(
  tx: Tx,
  sqlite: SqliteStatements,
  runSeq: number,
  pointsByKey: ReadonlyMap<string, readonly MetricPoint[]>,
): Promise<void> {
  const runs = KnownRuns.of(sqlite);
  const run = runs.get(runSeq);
  let groups = [...pointsByKey].map(([key, points]) => ({ key, points: sortedPoints(points) }));
  const isOld = ({ key, points }: (typeof groups)[number]): boolean => {
    const series = run.series.get(key);
    return series !== undefined && points[0] !== undefined && !isBehind(series, points[0]);
  };
  if (groups.some(isOld)) {
    // What is in the tail has to be where it is looked for.
    while (moveTail(sqlite, runSeq) > 0);
    for (const group of groups.filter(isOld)) {
      const series = run.series.get(group.key);
      if (!series) continue;
      const older = group.points.filter((point) => !isBehind(series, point));
      const [added] = await insertPoints(tx, 'sqlite', [{ seriesId: series.id, points: older }]);
      takeIn(series, added?.points ?? []);
      runs.writeSummary(series);
    }
    groups = groups.map(({ key, points }) => {
      const series = run.series.get(key);
      return { key, points: points.filter((point) => !series || isBehind(series, point)) };
    });
  }
  const tail = new TailWriter();
  for (const { key, points } of groups) {
    if (points.length === 0) continue;
    const series = run.series.get(key) ?? runs.add(run, key);
    for (const point of points) tail.push(series.id, point);
    takeIn(series, points);
    run.changed.add(series);
  }
  if (tail.count === 0) return;
  runs.beginUnsummed(run);
  tail.write(sqlite, runSeq, run.tailEnd);
  run.tailEnd += tail.count;
}
