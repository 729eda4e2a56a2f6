import { z } from 'zod';
import { fail } from '../../../core/errors.ts';
import { type Frames, sqlLiteral, sqlName, typedRows, unpackedSql } from '../../../platform/frames/index.ts';
import { featurePrefix, featureValues, joinedSql, type LogPath } from '../relations.ts';
import { filterSql, type LogFilter, outcomeSql, rangeOf } from './list-predictions.ts';

/**
 * Writes the rows that pass a filter to a Parquet file; returns how many. Throws `feature_not_logged`.
 *
 * @param paths at least one
 */
export async function exportPredictions(
  frames: Frames,
  paths: readonly LogPath[],
  labelPaths: readonly LogPath[],
  filter: LogFilter,
  target: string,
  signal?: AbortSignal,
): Promise<number> {
  const features = await featureValues(frames, paths);
  if (filter.feature !== undefined && !features.has(filter.feature)) {
    const logged = [...features.keys()].join(', ');
    throw fail('feature_not_logged', { ...filter, feature: filter.feature, logged });
  }
  const values = [...features].map(([name, value]) => `${value} AS ${sqlName(featurePrefix + name)}`);
  const plain = [`${unpackedSql('outputs')} AS outputs`, ...values].join(', ');
  const rows = joinedSql(paths, labelPaths, rangeOf(filter), '*', 'full');
  await frames.query(
    `COPY (SELECT * REPLACE (${plain}), ${outcomeSql} AS outcome FROM ${rows} WHERE ${filterSql(filter)}
       ORDER BY event_time_ms DESC, prediction_id DESC) TO ${sqlLiteral(target)} (FORMAT parquet, COMPRESSION zstd)`,
    [],
    signal,
  );
  const count = `SELECT count(*) AS n FROM read_parquet(${sqlLiteral(target)})`;
  const [counted] = await typedRows(frames, z.object({ n: z.int() }), count);
  return counted?.n ?? 0;
}
