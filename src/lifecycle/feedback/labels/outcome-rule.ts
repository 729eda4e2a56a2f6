import { z } from 'zod';
import { doubleSchema, type Frames, sqlLiteral, typedRows } from '../../../platform/frames/index.ts';
import type { OutcomeRule } from '../contract.ts';
import type { LabelEntry } from '../label-log.ts';
import { labelOrderSql, labelTimeSql, parquet, predictionsSql } from '../relations.ts';

const decidedRow = z.object({
  prediction_id: z.string(),
  at_ms: z.int(),
  signals: z.int(),
  total: doubleSchema,
  outcome: z.int(),
});

/** What the labels of a rule say of where they come from. */
const ruleSource = 'rule';
/** Predictions whose window ended longer ago are not looked at again: a signal as late as this changes nothing. */
const lookBackMs = 31 * 86_400_000;
const mostAtOnce = 50_000;

interface RuleFiles {
  readonly predictions: readonly string[];
  readonly labels: readonly string[];
  readonly signals: readonly string[];
}

/** The longest time after a prediction in which a signal still counts. */
function windowOf(rule: OutcomeRule): number {
  return Math.max(...rule.signals.map(({ withinMs }) => withinMs));
}

/** The times of predictions that a rule decides when it is `nowMs`: [fromMs, toMs). */
export function decidedRange(
  rule: OutcomeRule,
  nowMs: number,
): { readonly fromMs: number; readonly toMs: number } {
  const toMs = nowMs - windowOf(rule);
  return { fromMs: toMs - lookBackMs, toMs };
}

/**
 * The labels that a rule makes and that are not there yet, or no longer true. Each has as its event time the end of
 * its prediction's window, so a person's later word counts more, or that of what the rule said before where its window was
 * longer then: the newer one counts. The same signal twice (same time and value) counts once.
 */
export async function ruleLabels(
  frames: Frames,
  rule: OutcomeRule,
  files: RuleFiles,
  nowMs: number,
): Promise<readonly LabelEntry[]> {
  if (files.predictions.length === 0) return [];
  if (files.signals.length === 0 && rule.silence === 'missing') return [];
  const rows = await typedRows(frames, decidedRow, ruleSql(rule, files, nowMs));
  return rows.map((row) => ({
    predictionId: row.prediction_id,
    value: row.outcome,
    eventTimeMs: row.at_ms,
    receivedAtMs: nowMs,
    source: ruleSource,
    note: `signals: ${row.signals}, weighted sum ${row.total}, threshold ${rule.threshold}`,
  }));
}

function ruleSql(rule: OutcomeRule, files: RuleFiles, nowMs: number): string {
  const weights = rule.signals
    .map((s) => `(${sqlLiteral(s.signal)}, ${s.weight}::DOUBLE, ${s.withinMs}, ${s.cap ?? 'NULL'}::DOUBLE)`)
    .join(', ');
  const signals =
    files.signals.length === 0
      ? `SELECT NULL::VARCHAR AS prediction_id, NULL::VARCHAR AS signal, 0::BIGINT AS event_time_ms, 0::DOUBLE AS value_number WHERE false`
      : `SELECT DISTINCT prediction_id, signal, event_time_ms, value_number FROM ${parquet(files.signals)}`;
  // Files of earlier times do not say where their labels came from.
  const labels =
    files.labels.length === 0
      ? `SELECT NULL::VARCHAR AS prediction_id, NULL::DOUBLE AS value, NULL::BIGINT AS last_ms WHERE false`
      : `SELECT prediction_id, arg_max(value_number, ${labelOrderSql}) AS value, max(${labelTimeSql}) AS last_ms FROM
           (SELECT NULL::VARCHAR AS source, NULL::VARCHAR AS prediction_id, NULL::DOUBLE AS value_number,
              NULL::BIGINT AS event_time_ms, NULL::BIGINT AS seq WHERE false
            UNION ALL BY NAME SELECT * FROM ${parquet(files.labels)})
         WHERE source = ${sqlLiteral(ruleSource)} GROUP BY 1`;
  const range = { ...decidedRange(rule, nowMs), rows: 'answered' } as const;
  return `WITH weights(signal, weight, within_ms, cap) AS (VALUES ${weights}),
    predicted AS ${predictionsSql(files.predictions, range, 'prediction_id, event_time_ms, status, arm')},
    given AS (${signals}),
    made AS (${labels}),
    sums AS (SELECT g.prediction_id, count(*) AS n,
        -- Weights that are no binary fractions add up exactly enough, in whatever order they come.
        fsum(w.weight * least(coalesce(g.value_number, 0), coalesce(w.cap, 'infinity'::DOUBLE))) AS total
      FROM given g JOIN weights w USING (signal) JOIN predicted p USING (prediction_id)
      WHERE g.event_time_ms BETWEEN p.event_time_ms AND p.event_time_ms + w.within_ms GROUP BY 1),
    decided AS (SELECT p.prediction_id, p.event_time_ms, coalesce(n, 0) AS signals, coalesce(total, 0) AS total,
        CASE WHEN total >= ${rule.threshold} THEN 1
          WHEN n IS NULL AND ${rule.silence === 'missing'} THEN NULL
          WHEN coalesce(total, 0) >= ${rule.threshold} THEN 1 ELSE 0 END AS outcome
      FROM predicted p LEFT JOIN sums USING (prediction_id) WHERE p.status = 'ok')
    SELECT d.*, greatest(d.event_time_ms + ${windowOf(rule)}, coalesce(made.last_ms, 0)) AS at_ms
    FROM decided d LEFT JOIN made USING (prediction_id)
    WHERE outcome IS NOT NULL AND made.value IS DISTINCT FROM outcome
    ORDER BY d.event_time_ms, d.prediction_id LIMIT ${mostAtOnce}`;
}
