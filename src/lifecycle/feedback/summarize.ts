import { z } from 'zod';
import { formatTime } from '../../core/time.ts';
import { type Frames, sqlLiteral, typedRows } from '../../platform/frames/index.ts';
import { type FeedbackCounts, type FeedbackSummary, labelValueOf, type Orphan } from './contract.ts';
import { labelTimeSql, latestLabelsSql, noVerdictSql, parquet, refusedSql } from './relations.ts';

const dayMs = 86_400_000;
const orphanExamples = 5;
const zero: FeedbackCounts = {
  predictions: 0,
  failed: 0,
  refused: 0,
  joined: 0,
  waiting: 0,
  unanswered: 0,
  labelsReceived: 0,
  duplicateLabels: 0,
  orphans: 0,
};

const count = z.int();
const countedRow = z.union([
  z.object({ kind: z.literal('orphan'), id: z.string() }),
  z.object({
    kind: z.enum(['prediction', 'label', 'received']),
    day: z.int(),
    a: count,
    b: count,
    c: count,
    d: count,
    e: count,
  }),
]);
const orphanRow = z.object({
  prediction_id: z.string(),
  label_json: z.string(),
  label_event_time_ms: z.int(),
  label_received_at_ms: z.int(),
});

export type Counted = Pick<FeedbackSummary, 'total' | 'days' | 'orphanExamples'>;

/**
 * Counts an endpoint's log exactly, by UTC day of event time and in total. Each prediction id counts once, on
 * the day of the row received last; every label counts on its own day, doubles and orphans on the day of the
 * label that counts. So in each day and in total predictions = joined + waiting + unanswered.
 */
export async function summarize(
  frames: Frames,
  predictionPaths: readonly string[],
  labelPaths: readonly string[],
): Promise<Counted> {
  const rows = await typedRows(frames, countedRow, summarySql(predictionPaths, labelPaths));
  const days = new Map<number, { -readonly [K in keyof FeedbackCounts]: FeedbackCounts[K] }>();
  const orphans: string[] = [];
  for (const row of rows) {
    if (row.kind === 'orphan') {
      orphans.push(row.id);
      continue;
    }
    const counts = days.get(row.day) ?? { ...zero };
    days.set(row.day, counts);
    const { a, b, c, d, e } = row;
    if (row.kind === 'prediction') {
      Object.assign(counts, {
        predictions: a,
        failed: b,
        joined: c,
        waiting: a - c - d,
        unanswered: d,
        refused: e,
      });
    } else if (row.kind === 'label') {
      Object.assign(counts, { duplicateLabels: a, orphans: b });
    } else {
      counts.labelsReceived = a;
    }
  }
  const list = [...days].sort(([a], [b]) => a - b);
  const total = { ...zero };
  for (const [, counts] of list) {
    for (const key of Object.keys(zero) as (keyof FeedbackCounts)[]) total[key] += counts[key];
  }
  return {
    total,
    days: list.map(([day, counts]) => ({ day: formatTime(day * dayMs).slice(0, 10), ...counts })),
    orphanExamples: orphans.length === 0 ? [] : await describeOrphans(frames, labelPaths, orphans),
  };
}

function summarySql(predictionPaths: readonly string[], labelPaths: readonly string[]): string {
  const predictions =
    predictionPaths.length === 0
      ? 'SELECT NULL::VARCHAR AS prediction_id, NULL::BIGINT AS t, NULL::VARCHAR AS status WHERE false'
      : `SELECT prediction_id, last.t AS t, last.status AS status FROM (
           SELECT prediction_id, arg_max(struct_pack(t := event_time_ms, status := status), received_at_ms) AS last
           FROM ${parquet(predictionPaths)} WHERE arm <> 'shadow' GROUP BY prediction_id)`;
  const labels =
    labelPaths.length === 0
      ? 'SELECT NULL::VARCHAR AS prediction_id, NULL::BIGINT AS n, NULL::BIGINT AS t WHERE false'
      : `SELECT prediction_id, count(*) AS n, max(${labelTimeSql}) AS t FROM ${parquet(labelPaths)} GROUP BY prediction_id`;
  const received =
    labelPaths.length === 0
      ? ''
      : `UNION ALL SELECT 'received', ${day(labelTimeSql)}, count(*), 0, 0, 0, 0, NULL FROM ${parquet(labelPaths)} GROUP BY 2`;
  return `WITH predictions AS (${predictions}), labels AS (${labels}),
    joined AS MATERIALIZED (
      SELECT prediction_id, predictions.t AS t, status, n, labels.t AS label_t
      FROM predictions FULL JOIN labels USING (prediction_id))
    SELECT 'prediction' AS kind, ${day('t')} AS day, count(*)::BIGINT AS a, (count(*) FILTER (status NOT IN ('ok', ${noVerdictSql})))::BIGINT AS b,
      count(n)::BIGINT AS c, (count(*) FILTER (n IS NULL AND status <> 'ok'))::BIGINT AS d,
      (count(*) FILTER (status IN (${refusedSql})))::BIGINT AS e, NULL::VARCHAR AS id
    FROM joined WHERE t IS NOT NULL GROUP BY 2
    UNION ALL SELECT 'label', ${day('label_t')}, sum(n - 1)::BIGINT, count(*) FILTER (t IS NULL), 0, 0, 0, NULL
    FROM joined WHERE n IS NOT NULL GROUP BY 2
    UNION ALL (SELECT 'orphan', 0, 0, 0, 0, 0, 0, prediction_id FROM joined WHERE t IS NULL ORDER BY label_t LIMIT ${orphanExamples})
    ${received}`;
}

function day(column: string): string {
  return `CAST(floor(${column} / ${dayMs}.0) AS BIGINT)`;
}

async function describeOrphans(
  frames: Frames,
  labelPaths: readonly string[],
  ids: readonly string[],
): Promise<Orphan[]> {
  const wanted = `prediction_id IN (${ids.map(sqlLiteral).join(', ')})`;
  const rows = await typedRows(
    frames,
    orphanRow,
    `SELECT * FROM ${latestLabelsSql(labelPaths, 'full', wanted)} ORDER BY label_event_time_ms`,
  );
  return rows.map((row) => ({
    predictionId: row.prediction_id,
    value: labelValueOf(row.label_json),
    eventTime: formatTime(row.label_event_time_ms),
    receivedAt: formatTime(row.label_received_at_ms),
  }));
}
