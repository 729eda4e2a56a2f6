import { z } from 'zod';
import { fail } from '../../core/errors.ts';
import { type Frames, sqlLiteral, sqlName, typedRows } from '../../platform/frames/index.ts';
import { featurePrefix, featureValues, joinedSql } from './relations.ts';

/** What a joined frame holds and how its columns are called. */
export interface LabelJoin {
  readonly endpoint: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly features: readonly string[];
  readonly label: string;
  readonly time: string;
  readonly entity?: string | undefined;
}

/**
 * Writes a Parquet file with one row per prediction that was answered, has a label, and has event time in
 * [fromMs, toMs): its features, its label and its event time (a UTC timestamp), ascending by time. The label is
 * BOOLEAN if all are true or false, BIGINT if all are whole numbers, DOUBLE for other numbers, else VARCHAR.
 *
 * Throws `feature_not_logged` when a feature is in no row of the log, `join_empty` when no row has a label.
 */
export async function writeLabelJoin(
  frames: Frames,
  predictionPaths: readonly string[],
  labelPaths: readonly string[],
  join: LabelJoin,
  target: string,
): Promise<{ readonly rows: number; readonly waiting: number }> {
  const nothing = { endpoint: join.endpoint, range: rangeText(join) };
  if (predictionPaths.length === 0) throw fail('join_empty', { ...nothing, waiting: 0 });
  const values = await requireFeatures(frames, predictionPaths, join);
  const range = { fromMs: join.fromMs, toMs: join.toMs, rows: 'answered' } as const;
  const logged = ['prediction_id', 'event_time_ms', 'entity', 'status'];
  const wanted = [...logged, ...join.features.map((name) => sqlName(featurePrefix + name))].join(', ');
  const joined = joinedSql(predictionPaths, labelPaths, range, wanted, 'full');
  const [counts] = await typedRows(
    frames,
    z.object({
      rows: z.int(),
      waiting: z.int(),
      booleans: z.boolean(),
      numbers: z.boolean(),
      whole: z.boolean(),
    }),
    `SELECT count(label_json) AS rows, count(*) - count(label_json) AS waiting,
       coalesce(bool_and(label_json IN ('true', 'false')), false) AS booleans,
       coalesce(bool_and(label IS NOT NULL) FILTER (label_json IS NOT NULL), false) AS numbers,
       coalesce(bool_and(label = floor(label)), false) AS whole
     FROM ${joined} WHERE status = 'ok'`,
  );
  if (!counts) throw new Error('a count has one row');
  const { rows, waiting } = counts;
  if (rows === 0) throw fail('join_empty', { ...nothing, waiting });
  const label = counts.booleans
    ? 'label = 1'
    : counts.numbers
      ? `label::${counts.whole ? 'BIGINT' : 'DOUBLE'}`
      : `CASE WHEN label IS NULL THEN json_extract_string(label_json, '$') ELSE label_json END`;
  const columns = [
    `make_timestamp(event_time_ms * 1000) AS ${sqlName(join.time)}`,
    ...(join.entity === undefined ? [] : [`entity AS ${sqlName(join.entity)}`]),
    ...join.features.map((name) => `${values.get(name)} AS ${sqlName(name)}`),
    `${label} AS ${sqlName(join.label)}`,
  ];
  await frames.query(
    `COPY (SELECT ${columns.join(', ')} FROM ${joined} WHERE status = 'ok' AND label_json IS NOT NULL
       ORDER BY event_time_ms, prediction_id) TO ${sqlLiteral(target)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  return { rows, waiting };
}

/** SQL for the values of all features, by name; those that are wanted are among them. */
async function requireFeatures(
  frames: Frames,
  paths: readonly string[],
  join: LabelJoin,
): Promise<ReadonlyMap<string, string>> {
  const values = await featureValues(frames, paths);
  const missing = join.features.find((name) => !values.has(name));
  if (missing === undefined) return values;
  const logged = [...values.keys()].join(', ');
  throw fail('feature_not_logged', { feature: missing, endpoint: join.endpoint, logged });
}

function rangeText(join: LabelJoin): string {
  return `${new Date(join.fromMs).toISOString()} to ${new Date(join.toMs).toISOString()}`;
}
