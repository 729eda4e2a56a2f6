import { sqliteStatements, type Tx } from '../../../platform/db/index.ts';
import type { MetricDirection } from '../contract.ts';
import { guessDirection } from '../metric-direction.ts';
import type { MetricPoint } from '../metric-point.ts';
import type { MetricSummaryRecord } from '../records.ts';
import { statedDirections } from './directions.ts';
import { isOfRuns } from './of-runs.ts';
import { batchOfPoints, type PointBatch, pointsByKey } from './point-batch.ts';
import { addPointsOnPostgres } from './points-postgres.ts';
import { addPointsOnSqlite } from './points-sqlite.ts';
import { firstOf, lastOf } from './summary.ts';
import { grouped, on } from './tables.ts';

/**
 * Adds points to a run's series. A point that is there already (same step, time and value) changes nothing; the
 * summaries take up those that are new.
 */
export async function addPoints(
  tx: Tx,
  runSeq: number,
  points: PointBatch | ReadonlyMap<string, readonly MetricPoint[]>,
): Promise<void> {
  const sqlite = sqliteStatements(tx);
  const isBatch = 'numbers' in points;
  if (sqlite) addPointsOnSqlite(sqlite, runSeq, isBatch ? points : batchOfPoints(points));
  else await addPointsOnPostgres(tx, runSeq, isBatch ? pointsByKey(points) : points);
}

/** Summaries of these metrics of these runs, by run and in the order of their keys. */
export async function summariesOfRuns(
  tx: Tx,
  runs: readonly { readonly seq: number; readonly experiment_id: number }[],
  keys: 'all' | ReadonlySet<string> = 'all',
): Promise<ReadonlyMap<number, MetricSummaryRecord[]>> {
  if (keys !== 'all' && keys.size === 0) return new Map();
  const query = on(tx)
    .selectFrom('metric_series')
    .selectAll()
    .where(
      isOfRuns(
        tx,
        'run_seq',
        runs.map((run) => run.seq),
      ),
    );
  const some = keys === 'all' ? query : query.where('key', 'in', [...keys]);
  const rows = await some.where('count', '>', 0).orderBy('run_seq').orderBy('key').execute();
  const experimentOf = new Map(runs.map((run) => [run.seq, run.experiment_id]));
  const stated = rows.length === 0 ? null : await statedDirections(tx, [...new Set(experimentOf.values())]);
  const guesses = new Map<string, MetricDirection>();
  const guessOf = (key: string): MetricDirection => {
    const guess = guesses.get(key) ?? guessDirection(key);
    guesses.set(key, guess);
    return guess;
  };
  return grouped(
    rows,
    (row) => row.run_seq,
    (row) => {
      const said = stated?.get(experimentOf.get(row.run_seq) ?? -1)?.get(row.key);
      const direction = said ?? guessOf(row.key);
      return {
        key: row.key,
        count: row.count,
        last: lastOf(row),
        first: firstOf(row),
        min: row.min_value,
        max: row.max_value,
        mean: row.mean_value,
        best: direction === 'minimize' ? row.min_value : row.max_value,
        bestStep: direction === 'minimize' ? row.min_step : row.max_step,
        direction,
        isDirectionGuessed: said === undefined,
      };
    },
  );
}
