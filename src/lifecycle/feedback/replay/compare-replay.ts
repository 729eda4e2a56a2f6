import { z } from 'zod';
import { type Frames, sqlLiteral, typedRows } from '../../../platform/frames/index.ts';
import { DECISION_THRESHOLD, type ReplayOutputs } from '../contract.ts';
import { loggedColumns } from './write-window.ts';

const shownExamples = 20;

const figure = z.number().nullable();
const comparedRow = z.object({
  compared: z.int(),
  changed: z.int(),
  labelled: z.int(),
  mean: figure,
  max: figure,
  quantiles: z.tuple([z.number(), z.number(), z.number()]).nullable(),
  loss_a: figure,
  brier_a: figure,
  accuracy_a: figure,
  auc_a: figure,
  loss_b: figure,
  brier_b: figure,
  accuracy_b: figure,
  auc_b: figure,
});
const exampleRow = z.object({
  id: z.string(),
  version: z.string(),
  a: z.number(),
  b: z.number(),
  label: figure,
});

/** What changed between the answers of then and now, and which were better where the truth is known. */
export async function compareReplay(
  frames: Pick<Frames, 'query'>,
  path: string,
): Promise<Omit<ReplayOutputs, 'rows' | 'failedRows' | 'digest' | 'sizeBytes'>> {
  const { predictionId, version, score, label } = loggedColumns;
  const both = `(SELECT ${predictionId} AS id, ${version} AS version, ${score}::DOUBLE AS a, score::DOUBLE AS b,
      abs(${score} - score) AS d, CASE WHEN ${label} IN (0, 1) THEN ${label} END AS label
    FROM read_parquet(${sqlLiteral(path)}) WHERE isfinite(${score}) AND isfinite(score))`;
  const [row] = await typedRows(
    frames,
    comparedRow,
    `WITH pairs AS ${both}, ranked AS (SELECT *, ${rankSql('a')} AS rank_a, ${rankSql('b')} AS rank_b FROM pairs)
     SELECT count(*) AS compared, favg(d) AS mean, quantile_cont(d, [0.5, 0.95, 0.99]) AS quantiles, max(d) AS max,
       count(*) FILTER ((a >= ${DECISION_THRESHOLD}) <> (b >= ${DECISION_THRESHOLD})) AS changed,
       count(label) AS labelled, ${metricsSql('a')}, ${metricsSql('b')}
     FROM ranked`,
  );
  if (!row) throw new Error('a count has one row');
  const examples = await typedRows(
    frames,
    exampleRow,
    `SELECT * FROM ${both} ORDER BY d DESC, id LIMIT ${shownExamples}`,
  );
  const { quantiles, mean, max } = row;
  return {
    compared: row.compared,
    difference:
      quantiles && mean !== null && max !== null
        ? { mean, p50: quantiles[0], p95: quantiles[1], p99: quantiles[2], max }
        : null,
    changedDecisions: row.changed,
    labelled: row.labelled,
    logged: { logLoss: row.loss_a, brier: row.brier_a, accuracy: row.accuracy_a, auc: row.auc_a },
    replayed: { logLoss: row.loss_b, brier: row.brier_b, accuracy: row.accuracy_b, auc: row.auc_b },
    examples: examples.map(({ id, version, a, b, label }) => ({
      predictionId: id,
      loggedVersion: version,
      loggedScore: a,
      replayedScore: b,
      label,
    })),
  };
}

/** Middle rank among the labelled rows: equal scores share theirs. */
function rankSql(score: string): string {
  const order = `PARTITION BY label IS NOT NULL ORDER BY ${score}`;
  return `rank() OVER (${order}) + (count(*) OVER (PARTITION BY label IS NOT NULL, ${score}) - 1) / 2.0`;
}

/** AUC by the sum of ranks (Mann and Whitney 1947). */
function metricsSql(s: string): string {
  const positive = 'count(*) FILTER (label = 1)';
  const negative = 'count(*) FILTER (label = 0)';
  const inside = `${s} BETWEEN 0 AND 1 AND label IS NOT NULL`;
  return `favg(-ln(greatest(CASE WHEN label = 1 THEN ${s} ELSE 1 - ${s} END, ${Number.EPSILON}))) FILTER (${inside}) AS loss_${s},
    favg((${s} - label) ** 2) FILTER (${inside}) AS brier_${s},
    avg(((${s} >= ${DECISION_THRESHOLD}) = (label = 1))::INT) FILTER (label IS NOT NULL) AS accuracy_${s},
    (sum(rank_${s}) FILTER (label = 1) - ${positive} * (${positive} + 1) / 2.0)
      / nullif(${positive} * ${negative}, 0)::DOUBLE AS auc_${s}`;
}
