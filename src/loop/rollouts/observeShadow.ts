import { contingencyTable } from '../../core/statistics/drift/ContingencyTable.ts';
import { jensenShannon } from '../../core/statistics/drift/jensenShannon.ts';
import { featurePrefix } from '../../lifecycle/feedback/index.ts';
import { type FrameRow, sqlName } from '../../platform/frames/index.ts';
import type { ShadowComparison } from '../contract.ts';
import type { RolloutLog } from './observe.ts';

/** Parts of the range of the champion's scores in which scores are counted. */
const bins = 20;
/** Segments smaller than this are not shown. */
const fewestPairs = 50;

/**
 * What copies of the traffic say: how far the scores are apart, how often the decision is the same, and how scores and
 * latency differ beside what two random halves of the champion's own answers differ by, over all and by segment.
 */
export async function compareShadow(
  log: RolloutLog,
  rows: string,
  threshold: number,
  features: readonly string[],
): Promise<readonly ShadowComparison[]> {
  const all = await compared(log, rows, threshold, null);
  const parts: ShadowComparison[] = [];
  for (const feature of features) {
    const found = await compared(log, rows, threshold, feature);
    parts.push(...found.filter((c) => c.pairs >= fewestPairs).slice(0, bins));
  }
  return [...all, ...parts];
}

async function compared(
  log: RolloutLog,
  rows: string,
  threshold: number,
  feature: string | null,
): Promise<readonly ShadowComparison[]> {
  const by = feature === null ? 'NULL::VARCHAR' : `s.${sqlName(`${featurePrefix}${feature}`)}::VARCHAR`;
  const limit = Number(threshold);
  const pairs = `WITH all_rows AS (SELECT * FROM ${rows}),
    pairs AS (SELECT ${by} AS segment, s.score AS own, c.score AS other, s.latency_us / 1000 AS own_ms,
        c.latency_us / 1000 AS other_ms, hash(c.prediction_id) % 2 = 0 AS half
      FROM all_rows s JOIN all_rows c ON s.prediction_id = c.prediction_id AND s.arm = 'shadow' AND c.arm = 'champion'
      WHERE s.status = 'ok' AND c.status = 'ok' AND isfinite(s.score) AND isfinite(c.score))`;
  const summary = await log.query(`${pairs}
    SELECT segment, count(*) AS pairs, avg(abs(own - other)) AS distance,
      avg(((own >= ${limit}) = (other >= ${limit}))::INTEGER) AS agreement,
      quantile_cont(own_ms, 0.99) AS own_p99, quantile_cont(other_ms, 0.99) AS other_p99,
      quantile_cont(other_ms, 0.99) FILTER (half) AS half_p99, quantile_cont(other_ms, 0.99) FILTER (NOT half) AS rest_p99
    FROM pairs GROUP BY segment ORDER BY pairs DESC`);
  const counts = await log.query(`${pairs},
    ranges AS (SELECT segment, min(other) AS low, max(other) AS high FROM pairs GROUP BY segment),
    placed AS (SELECT pairs.segment, half, ${binSql('own')} AS own_bin, ${binSql('other')} AS other_bin
      FROM pairs JOIN ranges ON pairs.segment IS NOT DISTINCT FROM ranges.segment)
    SELECT segment, 'own' AS who, own_bin AS bin, count(*) AS n FROM placed GROUP BY ALL
    UNION ALL SELECT segment, 'other', other_bin, count(*) FROM placed GROUP BY ALL
    UNION ALL SELECT segment, CASE WHEN half THEN 'half' ELSE 'rest' END, other_bin, count(*) FROM placed GROUP BY ALL`);
  return summary.map((row): ShadowComparison => {
    const segment = row.segment as string | null;
    const own = counts.filter((c) => c.segment === segment);
    const [half, rest] = [numberOf(row.half_p99), numberOf(row.rest_p99)];
    return {
      segment: feature === null ? null : { feature, value: segment ?? '' },
      pairs: Number(row.pairs),
      meanDistance: numberOf(row.distance),
      agreement: numberOf(row.agreement),
      scoreShift: shift(own, 'other', 'own'),
      scoreNoise: shift(own, 'half', 'rest'),
      latencyP99Ms: numberOf(row.own_p99),
      championLatencyP99Ms: numberOf(row.other_p99),
      latencyNoiseRatio: half && rest ? Math.max(half / rest, rest / half) : null,
    };
  });
}

function binSql(column: string): string {
  return `CASE WHEN high = low THEN 0 ELSE greatest(0, least(${bins - 1}, floor(${bins} * (${column} - low) / (high - low)))) END`;
}

function shift(rows: readonly FrameRow[], reference: string, current: string): number | null {
  const of = (who: string) =>
    new Map(rows.filter((r) => r.who === who).map((r) => [String(r.bin), Number(r.n)]));
  return jensenShannon(contingencyTable(of(reference), of(current)))?.distance ?? null;
}

function numberOf(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}
