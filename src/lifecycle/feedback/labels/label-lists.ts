import { z } from 'zod';
import { formatTime } from '../../../core/time.ts';
import { type Frames, sqlLiteral, typedRows } from '../../../platform/frames/index.ts';
import { type Conflict, labelValueOf, type ReceivedLabel, type WaitingLabel } from '../contract.ts';
import { type LogPath, labelOrderSql, labelTimeSql, parquet } from '../relations.ts';

/** A label or signal as its file has it; those of earlier times lack the last columns. */
const loggedLabel = z.object({
  prediction_id: z.string(),
  value_json: z.string(),
  event_time_ms: z.int(),
  received_at_ms: z.int(),
  seq: z.int(),
  signal: z.string().nullable().default(null),
  source: z
    .string()
    .nullish()
    .transform((source) => source ?? 'api'),
  note: z.string().nullable().default(null),
});

const conflictRow = z.object({
  prediction_id: z.string(),
  labels: z.int(),
  found: z.array(z.string()),
  counting: z.string(),
});

/** All labels and signals of a prediction; the first label is the one that counts. */
export async function labelHistory(
  frames: Frames,
  labelPaths: readonly LogPath[],
  signalPaths: readonly LogPath[],
  predictionId: string,
): Promise<readonly ReceivedLabel[]> {
  const paths = [...labelPaths, ...signalPaths];
  if (paths.length === 0) return [];
  const rows = await typedRows(
    frames,
    loggedLabel,
    `SELECT * FROM ${parquet(paths)} WHERE prediction_id = ${sqlLiteral(predictionId)} ORDER BY ${labelOrderSql} DESC`,
  );
  const counting = rows.find(({ signal }) => signal === null);
  return rows.map((row) => ({
    signal: row.signal,
    value: labelValueOf(row.value_json),
    eventTime: formatTime(row.event_time_ms),
    receivedAt: formatTime(row.received_at_ms),
    source: row.source,
    note: row.note,
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
  const rows = await typedRows(
    frames,
    conflictRow,
    `SELECT prediction_id, count(*) AS labels, list(DISTINCT value_json ORDER BY value_json) AS found,
       arg_max(value_json, ${labelOrderSql}) AS counting
     FROM ${parquet(labelPaths)} GROUP BY 1 HAVING count(DISTINCT coalesce(value_number::VARCHAR, value_json)) > 1
     ORDER BY max(${labelTimeSql}) DESC, prediction_id LIMIT ${limit}`,
  );
  return rows.map((row) => ({
    predictionId: row.prediction_id,
    labels: row.labels,
    values: row.found.map(labelValueOf),
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
  const rows = await typedRows(
    frames,
    loggedLabel,
    `SELECT * FROM ${parquet(labelPaths)} WHERE seq > ${afterSeq} ${known} ORDER BY seq LIMIT ${limit}`,
  );
  return rows.map((row) => ({
    id: `${row.prediction_id}/${row.seq}`,
    seq: row.seq,
    endpoint,
    predictionId: row.prediction_id,
    entity: null,
    at: null,
    toleranceMs: null,
    signal: row.signal,
    value: labelValueOf(row.value_json),
    eventTime: formatTime(row.event_time_ms),
    receivedAt: formatTime(row.received_at_ms),
    source: row.source,
  }));
}
