import { errorCatalogue } from '../../core/errors.ts';
import { noVerdictStatuses } from '../../core/no-verdict.ts';
import { type Frames, sqlLiteral, sqlName, unpackedSql } from '../../platform/frames/index.ts';

/** Prefix of the prediction log's feature columns. */
export const featurePrefix = 'feature:';

/** SQL list of `noVerdictStatuses`. */
export const noVerdictSql = noVerdictStatuses.map(sqlLiteral).join(', ');

const refusedStatuses: ReadonlySet<string> = new Set(
  Object.entries(errorCatalogue).flatMap(([code, { status }]) =>
    status < 500 && !noVerdictStatuses.includes(code) ? [code] : [],
  ),
);
export const refusedSql = [...refusedStatuses].map(sqlLiteral).join(', ');

/** Whether a row with this status was refused for what its caller sent (400 to 499); a caller who left is none such. */
export const isRefused = (status: string): boolean => refusedStatuses.has(status);

/** The rows of a relation: event time in [fromMs, toMs), of the arms named. */
export interface RowFilter {
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Only what was received from this wall time on: what is older need not be read. */
  readonly receivedFromMs?: number | undefined;
  /** `answered`: what callers got (champion and challenger). */
  readonly rows: 'answered' | 'shadow' | 'all';
  /** Every row, also of predictions that were sent twice: many times as quick, for a first look. */
  readonly everyRow?: boolean | undefined;
}

/**
 * SQL for the prediction log in these Parquet files: one row per prediction id and model heard or shadowed. Of
 * rows sent twice the one received last counts, of those received at once the later one. A feature that a file lacks
 * is NULL.
 *
 * @param columns those wanted, as SQL; naming few makes it quick
 */
export function predictionsSql(paths: readonly LogPath[], filter: RowFilter, columns: string): string {
  const conditions = [
    ...(filter.fromMs === undefined ? [] : [`event_time_ms >= ${filter.fromMs}`]),
    ...(filter.toMs === undefined ? [] : [`event_time_ms < ${filter.toMs}`]),
    ...(filter.receivedFromMs === undefined ? [] : [`received_at_ms >= ${filter.receivedFromMs}`]),
    ...(filter.rows === 'answered'
      ? [`arm <> 'shadow'`]
      : filter.rows === 'shadow'
        ? [`arm = 'shadow'`]
        : []),
  ];
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
  const shadowKey = filter.rows === 'answered' ? '' : `, CASE WHEN arm = 'shadow' THEN model_version END`;
  if (filter.everyRow) return `(SELECT ${columns} FROM ${parquet(paths)} ${where})`;
  return `(SELECT ${columns} FROM ${parquet(paths)} ${where}
    QUALIFY row_number() OVER (PARTITION BY prediction_id${shadowKey} ORDER BY received_at_ms DESC, event_time_ms DESC) = 1)`;
}

/** So much later than its receipt may a label's event time be: clocks differ. */
export const labelSkewMs = 600_000;

/** SQL for when a label became true: files of earlier times may have some that are dated after their receipt. */
export const labelTimeSql = `least(event_time_ms, received_at_ms + ${labelSkewMs})`;

/** Which of a prediction's labels counts: the one with the last event time, among equals the one received last. */
export const labelOrderSql = `row(${labelTimeSql}, seq)`;

/**
 * SQL for the label that counts per prediction id: prediction_id, label (DOUBLE,
 * NULL for text), label_seq, and with `full` label_json, label_event_time_ms, label_received_at_ms.
 */
export function latestLabelsSql(paths: readonly LogPath[], detail: 'value' | 'full', where = 'true'): string {
  const full = detail === 'full';
  if (paths.length === 0) {
    return `(SELECT NULL::VARCHAR AS prediction_id, NULL::DOUBLE AS label, NULL::BIGINT AS label_seq
      ${full ? ', NULL::VARCHAR AS label_json, NULL::BIGINT AS label_event_time_ms, NULL::BIGINT AS label_received_at_ms' : ''}
      WHERE false)`;
  }
  return `(SELECT prediction_id, last.number AS label, label_seq
      ${full ? ', last.json AS label_json, last.event_time_ms AS label_event_time_ms, last.received_at_ms AS label_received_at_ms' : ''}
    FROM (SELECT prediction_id, max(seq) AS label_seq, arg_max(struct_pack(number := value_number
        ${full ? ', json := value_json, event_time_ms := event_time_ms, received_at_ms := received_at_ms' : ''}), ${labelOrderSql}) AS last
      FROM ${parquet(paths)} WHERE ${where} GROUP BY prediction_id))`;
}

/** SQL for predictions with the columns of their labels beside them, NULL while waiting. */
export function joinedSql(
  predictionPaths: readonly LogPath[],
  labelPaths: readonly LogPath[],
  filter: RowFilter,
  columns: string,
  detail: 'value' | 'full',
): string {
  const labels = latestLabelsSql(
    labelPaths,
    detail,
    'prediction_id IN (SELECT prediction_id FROM predictions)',
  );
  return `(WITH predictions AS ${predictionsSql(predictionPaths, filter, columns)}
    SELECT predictions.*, labels.* EXCLUDE (prediction_id)
    FROM predictions LEFT JOIN ${labels} labels ON labels.prediction_id = predictions.prediction_id)`;
}

/** SQL for a row's log loss and Brier score; NULL unless score is in 0..1 and the label is 0 or 1. */
export const logLossSql = `CASE WHEN status = 'ok' AND score BETWEEN 0 AND 1 AND label IN (0, 1)
  THEN -ln(greatest(CASE WHEN label = 1 THEN score ELSE 1 - score END, ${Number.EPSILON})) END`;
export const brierSql = `CASE WHEN status = 'ok' AND score BETWEEN 0 AND 1 AND label IN (0, 1)
  THEN (score - label) * (score - label) END`;

/** SQL condition: the row is of one of these predictions. */
export function oneOfSql(predictionIds: readonly string[]): string {
  return predictionIds.length === 0
    ? 'false'
    : `prediction_id IN (${predictionIds.map(sqlLiteral).join(', ')})`;
}

/** A file of which only the rows of some predictions are wanted: sorted by id, it is read in part. */
export interface KnownFile {
  readonly path: string;
  readonly ids: readonly string[];
}
export type LogPath = string | KnownFile;

const mostGroups = 16;

/**
 * Files that are read in part in few groups, each for what is looked for in any of its files: such a list takes
 * megabytes of the frame engine's memory wherever it is compared, for a hundred files more than there may be.
 */
export function groupsOf<T>(files: readonly T[]): readonly (readonly T[])[] {
  const size = Math.ceil(files.length / mostGroups);
  const groups: T[][] = [];
  for (let at = 0; at < files.length; at += size) groups.push(files.slice(at, at + size));
  return groups;
}

/** SQL for the rows of Parquet files with all their columns. */
export function parquet(paths: readonly LogPath[]): string {
  const known = paths.filter((path) => typeof path !== 'string');
  const all = paths.filter((path) => typeof path === 'string');
  if (known.length === 0) return filesSql(all);
  const parts = all.length === 0 ? [] : [`SELECT * FROM ${filesSql(all)}`];
  for (const group of groupsOf(known)) {
    const ids = group.flatMap((file) => file.ids);
    parts.push(`SELECT * FROM ${filesSql(group.map(({ path }) => path))} WHERE ${oneOfSql(ids)}`);
  }
  return `(${parts.join(' UNION ALL BY NAME ')})`;
}

function filesSql(paths: readonly string[]): string {
  return `read_parquet([${paths.map(sqlLiteral).join(', ')}], union_by_name = true)`;
}

/** Features that these files have, by name. */
export async function featureNames(frames: Frames, paths: readonly LogPath[]): Promise<readonly string[]> {
  return [...(await featureTypes(frames, paths)).keys()];
}

/** DuckDB's types of the features that these files have. */
async function featureTypes(frames: Frames, paths: readonly LogPath[]): Promise<ReadonlyMap<string, string>> {
  const { columns } = await frames.columns(`DESCRIBE SELECT * FROM ${parquet(paths)}`);
  const [names, types] = columns as readonly (readonly string[])[];
  const found = (names ?? []).map((name, i) => [name, types?.[i] ?? ''] as const);
  return new Map(
    found
      .filter(([name]) => name.startsWith(featurePrefix))
      .map(([name, type]) => [name.slice(featurePrefix.length), type]),
  );
}

/** SQL for the values of the features that these files have, by name: long lists of numbers as JSON. */
export async function featureValues(
  frames: Frames,
  paths: readonly LogPath[],
): Promise<ReadonlyMap<string, string>> {
  const values = [...(await featureTypes(frames, paths))].map(([name, type]) => {
    const column = sqlName(featurePrefix + name);
    if (type === 'VARCHAR') return [name, unpackedSql(column)] as const;
    // Files with and without a sign side by side. Parquet has no such integer: it would be rounded to a double.
    return [name, type === 'HUGEINT' ? `${column}::DECIMAL(20, 0)` : column] as const;
  });
  return new Map(values);
}
