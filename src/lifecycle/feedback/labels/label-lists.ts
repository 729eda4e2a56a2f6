import { formatTime } from '../../../core/time.ts';
import { type Frames, sqlLiteral } from '../../../platform/frames/index.ts';
import { type Conflict, labelValueOf, type ReceivedLabel, type WaitingLabel } from '../contract.ts';
import { type LogPath, labelOrderSql, labelTimeSql, parquet } from '../relations.ts';

/** All labels and signals of a prediction; the first label is the one that counts. */
export async function labelHistory(
  frames: Frames,
  labelPaths: readonly LogPath[],
  signalPaths: readonly LogPath[],
  predictionId: string,
): Promise<readonly ReceivedLabel[]> {
  const paths = [...labelPaths, ...signalPaths];
  if (paths.length === 0) return [];
  const rows = await frames.query(
    `SELECT * FROM ${parquet(paths)} WHERE prediction_id = ${sqlLiteral(predictionId)} ORDER BY ${labelOrderSql} DESC`,
  );
  const counting = rows.find((row) => (row.signal ?? null) === null);
  return rows.map((row) => ({
    signal: (row.signal as string | null | undefined) ?? null,
    value: labelValueOf(row.value_json),
    eventTime: formatTime(row.event_time_ms as number),
    receivedAt: formatTime(row.received_at_ms as number),
    source: (row.source as string | null | undefined) ?? 'api',
    note: (row.note as string | null | undefined) ?? null,
    counts: row === counting,
  }));
}

/** Predictions that were labelled with different values, the latest first. */
export async function labelConflicts(
  frames: Frames,
  labelPaths: readonly string[],
  limit: number,
): Promise<readonly Conflict[]> {
  if (labelPaths.length === 0) return [];
  const rows = await frames.query(
    `SELECT prediction_id, count(*) AS labels, list(DISTINCT value_json ORDER BY value_json) AS found,
       arg_max(value_json, ${labelOrderSql}) AS counting
     FROM ${parquet(labelPaths)} GROUP BY 1 HAVING count(DISTINCT coalesce(value_number::VARCHAR, value_json)) > 1
     ORDER BY max(${labelTimeSql}) DESC, prediction_id LIMIT ${limit}`,
  );
  return rows.map((row) => ({
    predictionId: row.prediction_id as string,
    labels: row.labels as number,
    values: (row.found as readonly string[]).map(labelValueOf),
    counts: labelValueOf(row.counting),
  }));
}

/** Labels by an id that no prediction has, in order of their receipt, behind one of them. */
export async function unknownLabels(
  frames: Frames,
  endpoint: string,
  predictionPaths: readonly string[],
  labelPaths: readonly string[],
  limit: number,
  afterSeq: number,
): Promise<readonly (WaitingLabel & { readonly seq: number })[]> {
  if (labelPaths.length === 0) return [];
  const known =
    predictionPaths.length === 0
      ? ''
      : `AND prediction_id NOT IN (SELECT prediction_id FROM ${parquet(predictionPaths)} WHERE arm <> 'shadow' AND prediction_id IS NOT NULL)`;
  const rows = await frames.query(
    `SELECT * FROM ${parquet(labelPaths)} WHERE seq > ${afterSeq} ${known} ORDER BY seq LIMIT ${limit}`,
  );
  return rows.map((row) => ({
    id: `${row.prediction_id}/${row.seq}`,
    seq: row.seq as number,
    endpoint,
    predictionId: row.prediction_id as string,
    entity: null,
    at: null,
    toleranceMs: null,
    signal: (row.signal as string | null | undefined) ?? null,
    value: labelValueOf(row.value_json),
    eventTime: formatTime(row.event_time_ms as number),
    receivedAt: formatTime(row.received_at_ms as number),
    source: (row.source as string | null | undefined) ?? 'api',
  }));
}
