import { fail } from '../../../core/errors.ts';
import { type Frames, sqlLiteral } from '../../../platform/frames/index.ts';
import type { PredictionsFilter } from '../contract.ts';
import { featureNames, joinedSql, type LogPath } from '../relations.ts';
import { filterSql, outcomeSql, rangeOf } from './list-predictions.ts';

/**
 * Writes the rows that pass a filter to a Parquet file; returns how many. Throws `feature_not_logged`.
 *
 * @param paths at least one
 */
export async function exportPredictions(
  frames: Frames,
  paths: readonly LogPath[],
  labelPaths: readonly LogPath[],
  filter: PredictionsFilter,
  target: string,
  signal?: AbortSignal,
): Promise<number> {
  if (filter.feature !== undefined) {
    const logged = await featureNames(frames, paths);
    if (!logged.includes(filter.feature))
      throw fail('feature_not_logged', { ...filter, feature: filter.feature, logged: logged.join(', ') });
  }
  const rows = joinedSql(paths, labelPaths, rangeOf(filter), '*', 'full');
  await frames.query(
    `COPY (SELECT *, ${outcomeSql} AS outcome FROM ${rows} WHERE ${filterSql(filter)}
       ORDER BY event_time_ms DESC, prediction_id DESC) TO ${sqlLiteral(target)} (FORMAT parquet, COMPRESSION zstd)`,
    [],
    signal,
  );
  const [count] = await frames.query(`SELECT count(*) AS n FROM read_parquet(${sqlLiteral(target)})`);
  return count?.n as number;
}
