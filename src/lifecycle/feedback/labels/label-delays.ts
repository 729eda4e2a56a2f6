import { z } from 'zod';
import { fail } from '../../../core/errors.ts';
import { formatTime } from '../../../core/time.ts';
import { type Frames, sqlName, typedRows } from '../../../platform/frames/index.ts';
import type { LabelDelays, LabelsByDay } from '../contract.ts';
import {
  featureNames,
  featurePrefix,
  labelTimeSql,
  parquet,
  predictionsSql,
  type RowFilter,
} from '../relations.ts';

type Delay = LabelDelays['total'];

const dayMs = 86_400_000;
const mostSegments = 50;
const shares = [0.5, 0.9, 0.95, 0.99, 1] as const;
const none: Delay = {
  segment: null,
  predictions: 0,
  labelled: 0,
  missingRatio: 0,
  delayMs: null,
  receiptDelayMs: null,
};

/** The files of an endpoint, and the predictions of them that are meant. */
export interface Measured {
  readonly predictions: readonly string[];
  readonly labels: readonly string[];
  readonly range: Omit<RowFilter, 'rows'>;
}

/**
 * How late labels came and how many are missing, for all predictions that were answered, or labelled all the same, and
 * for each of the commonest values of a feature. The first label of a prediction counts: corrections say nothing of how long one had to wait.
 * Throws `feature_not_logged`.
 */
export async function labelDelays(
  frames: Frames,
  measured: Measured,
  { endpoint, feature }: { readonly endpoint: string; readonly feature: string | undefined },
): Promise<Pick<LabelDelays, 'total' | 'segments'>> {
  if (measured.predictions.length === 0) return { total: none, segments: [] };
  if (feature !== undefined) {
    const logged = await featureNames(frames, measured.predictions);
    if (!logged.includes(feature))
      throw fail('feature_not_logged', { endpoint, feature, logged: logged.join(', ') });
  }
  const segment = feature === undefined ? 'NULL' : sqlName(featurePrefix + feature);
  const all = await delaysBy(
    frames,
    measured,
    `${segment}::VARCHAR`,
    'predictions DESC, segment',
    mostSegments,
  );
  return { total: all[0] ?? none, segments: feature === undefined ? [] : all.slice(1) };
}

/** The same by UTC day of the prediction's event time, the latest days that have predictions, in their order. */
export async function labelsByDay(
  frames: Frames,
  measured: Measured,
  mostDays: number,
): Promise<LabelsByDay['days']> {
  if (measured.predictions.length === 0) return [];
  // A number: as a text it costs a third more.
  const day = `CAST(floor(event_time_ms / ${dayMs}.0) AS BIGINT)`;
  const [, ...days] = await delaysBy(frames, measured, day, 'segment DESC', mostDays);
  return days.toReversed().map(({ segment, ...delay }) => ({
    day: formatTime(Number(segment) * dayMs).slice(0, 10),
    ...delay,
    missing: delay.predictions - delay.labelled,
  }));
}

/**
 * Of all predictions together first, then of those for which an expression is the same.
 *
 * @param segment of the columns of the log, as SQL
 * @param order of the segments, as SQL: the first `most` are given
 */
async function delaysBy(
  frames: Frames,
  { predictions, labels, range }: Measured,
  segment: string,
  order: string,
  most: number,
): Promise<readonly Delay[]> {
  const first =
    labels.length === 0
      ? 'SELECT NULL::VARCHAR AS prediction_id, NULL::BIGINT AS truth_ms, NULL::BIGINT AS receipt_ms WHERE false'
      : `SELECT prediction_id, min(${labelTimeSql}) AS truth_ms, min(received_at_ms) AS receipt_ms
         FROM ${parquet(labels)} GROUP BY 1`;
  const columns = `prediction_id, event_time_ms, arm, received_at_ms, status, ${segment} AS segment`;
  const quantiles = (delay: string) =>
    `quantile_cont(${delay}, [${shares.join(', ')}]) FILTER (truth_ms IS NOT NULL)`;
  const rows = await typedRows(
    frames,
    delayRow,
    `WITH predicted AS ${predictionsSql(predictions, { ...range, rows: 'answered' }, columns)}, first AS (${first})
     SELECT grouping(segment) AS whole, segment, count(*) AS predictions, count(truth_ms) AS labelled,
       ${quantiles('truth_ms - event_time_ms')} AS delay,
       ${quantiles('greatest(receipt_ms - received_at_ms, 0)')} AS receipt
     FROM predicted LEFT JOIN first USING (prediction_id)
     -- Without an answer nobody waits for a label.
     WHERE status = 'ok' OR truth_ms IS NOT NULL
     GROUP BY GROUPING SETS ((), (segment)) ORDER BY whole DESC, ${order} LIMIT ${most + 1}`,
  );
  return rows.map(toDelay);
}

/** Delays at `shares`; those of no label are no list. */
const quantilesRow = z.tuple([z.number(), z.number(), z.number(), z.number(), z.number()]).nullable();
const delayRow = z.object({
  segment: z.union([z.string(), z.int()]).nullable(),
  predictions: z.int(),
  labelled: z.int(),
  delay: quantilesRow,
  receipt: quantilesRow,
});

function toDelay({ segment, predictions, labelled, delay, receipt }: z.infer<typeof delayRow>): Delay {
  return {
    segment: segment === null ? null : String(segment),
    predictions,
    labelled,
    missingRatio: predictions === 0 ? 0 : 1 - labelled / predictions,
    delayMs: toQuantiles(delay),
    receiptDelayMs: toQuantiles(receipt),
  };
}

function toQuantiles(value: z.infer<typeof quantilesRow>): Delay['delayMs'] {
  if (value === null) return null;
  const [p50, p90, p95, p99, max] = value;
  return { p50, p90, p95, p99, max };
}
