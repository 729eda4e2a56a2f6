import type { Moments } from '../../core/statistics/Moments.ts';
import type { FrameRow, Frames } from '../../platform/frames/index.ts';
import type {
  Arm,
  ArmOutcome,
  ArmOutcomes,
  ArmOutcomesQuery,
  ArmStratum,
  PairedOutcome,
} from './contract.ts';
import { brierSql, joinedSql, logLossSql } from './relations.ts';

/**
 * What each arm did, and each shadow beside the answer that the caller got, over the rows that the query names. Rows
 * without a bucket say nothing about the split: a tester or the caller chose who answers.
 * Log losses clip the probability of what happened at 2^-52, as the
 * evaluation does.
 */
export async function armOutcomes(
  frames: Frames,
  predictionPaths: readonly string[],
  labelPaths: readonly string[],
  query: ArmOutcomesQuery,
): Promise<ArmOutcomes> {
  if (predictionPaths.length === 0) return { arms: [], paired: [] };
  const filter = { fromMs: query.fromMs, toMs: query.toMs, rows: 'all' } as const;
  const joined = joinedSql(predictionPaths, labelPaths, filter, columns, 'value');
  const route = query.minRouteVersion === undefined ? 'true' : `route_version >= ${query.minRouteVersion}`;
  const rows = `SELECT *, ${logLossSql} AS log_loss, ${brierSql} AS brier FROM ${joined} WHERE ${route} AND bucket IS NOT NULL`;
  const groups = await frames.query(groupsSql(rows, query.slowerThanMs));
  const arms = groups.filter((row) => row.route_version === null);
  const shadowed = arms.some((row) => row.arm === 'shadow');
  return {
    arms: arms.map((row) => toArm(row, groups)),
    paired: shadowed ? (await frames.query(pairedSql(rows))).map(toPaired) : [],
  };
}

const columns =
  'prediction_id, arm, model_version, route_version, status, score, latency_us, event_time_ms, bucket';

/** One row per arm and version, and one per route version within it. */
function groupsSql(rows: string, slowerThanMs: number | undefined): string {
  const slow = slowerThanMs === undefined ? 'false' : `status = 'ok' AND latency_us > ${slowerThanMs * 1000}`;
  return `WITH all_rows AS (${rows})
    SELECT arm, model_version, route_version, count(*) AS predictions, count(*) FILTER (status <> 'ok') AS failed,
      count(*) FILTER (status = 'output_not_finite' OR (status = 'ok' AND NOT isfinite(score))) AS non_finite, count(*) FILTER (${slow}) AS slow,
      count(label_seq) AS labelled, min(event_time_ms) AS first_ms, max(event_time_ms) AS last_ms,
      quantile_cont(latency_us / 1000, [0.5, 0.95, 0.99]) FILTER (status = 'ok') AS latency,
      ${momentsSql('log_loss')}, ${momentsSql('brier')}
    FROM all_rows
    GROUP BY GROUPING SETS ((arm, model_version), (arm, model_version, route_version))
    ORDER BY arm, model_version, route_version`;
}

function pairedSql(rows: string): string {
  return `WITH all_rows AS (${rows})
    SELECT s.model_version AS shadow_version, c.model_version AS champion_version, count(*) AS pairs,
      ${momentsSql('s.log_loss - c.log_loss', 'log_loss')}, ${momentsSql('s.brier - c.brier', 'brier')},
      avg(abs(s.score - c.score)) FILTER (isfinite(s.score) AND isfinite(c.score)) AS distance
    FROM all_rows s JOIN all_rows c ON s.prediction_id = c.prediction_id AND s.arm = 'shadow' AND c.arm <> 'shadow'
    GROUP BY ALL ORDER BY shadow_version, champion_version`;
}

function momentsSql(value: string, name = value): string {
  return `count(${value}) AS ${name}_n, coalesce(favg(${value}), 0) AS ${name}_mean,
    coalesce(var_pop(${value}) * count(${value}), 0) AS ${name}_m2`;
}

function toMoments(row: FrameRow, name: string): Moments {
  return {
    n: row[`${name}_n`] as number,
    mean: row[`${name}_mean`] as number,
    m2: row[`${name}_m2`] as number,
  };
}

function toArm(row: FrameRow, groups: readonly FrameRow[]): ArmOutcome {
  const own = groups.filter(
    (g) => g.arm === row.arm && g.model_version === row.model_version && g.route_version !== null,
  );
  const [p50, p95, p99] = (row.latency ?? []) as readonly number[];
  return {
    arm: row.arm as Arm,
    modelVersion: row.model_version as string,
    predictions: row.predictions as number,
    failed: row.failed as number,
    nonFinite: row.non_finite as number,
    slow: row.slow as number,
    labelled: row.labelled as number,
    latencyMs: p50 === undefined || p95 === undefined || p99 === undefined ? null : { p50, p95, p99 },
    firstEventTimeMs: row.first_ms as number,
    lastEventTimeMs: row.last_ms as number,
    strata: own.map(
      (g): ArmStratum => ({
        routeVersion: g.route_version as number,
        predictions: g.predictions as number,
        failed: g.failed as number,
        nonFinite: g.non_finite as number,
        slow: g.slow as number,
        logLoss: toMoments(g, 'log_loss'),
        brier: toMoments(g, 'brier'),
      }),
    ),
  };
}

function toPaired(row: FrameRow): PairedOutcome {
  return {
    shadowVersion: row.shadow_version as string,
    championVersion: row.champion_version as string,
    pairs: row.pairs as number,
    logLossDifference: toMoments(row, 'log_loss'),
    brierDifference: toMoments(row, 'brier'),
    meanScoreDistance: row.distance as number | null,
  };
}
