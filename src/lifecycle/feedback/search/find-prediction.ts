import { type FrameRow, type Frames, sqlLiteral } from '../../../platform/frames/index.ts';
import type { PredictionDetail } from '../contract.ts';
import { brierSql, featurePrefix, type LogPath, latestLabelsSql, logLossSql, parquet } from '../relations.ts';
import { predictionColumns, toPrediction } from './list-predictions.ts';

/** Everything known of one prediction id, or undefined. Where it was sent twice, the row received last counts. */
export async function findPrediction(
  frames: Frames,
  predictionPaths: readonly string[],
  labelPaths: readonly LogPath[],
  predictionId: string,
): Promise<Omit<PredictionDetail, 'labels'> | undefined> {
  if (predictionPaths.length === 0) return undefined;
  const isIt = `prediction_id = ${sqlLiteral(predictionId)}`;
  const rows = await frames.query(
    `SELECT *, ${predictionColumns}, ${logLossSql} AS log_loss, ${brierSql} AS brier
     FROM (SELECT p.*, l.* EXCLUDE (prediction_id)
       FROM (SELECT * FROM ${parquet(predictionPaths)} WHERE ${isIt}) p
       LEFT JOIN ${latestLabelsSql(labelPaths, 'full', isIt)} l USING (prediction_id))
     ORDER BY arm = 'shadow', received_at_ms DESC`,
  );
  const main = rows[0];
  if (!main) return undefined;
  const shadows = new Map<string, FrameRow>();
  for (const row of rows.slice(1)) {
    const version = row.model_version as string;
    if (row.arm === 'shadow' && !shadows.has(version)) shadows.set(version, row);
  }
  return {
    ...toPrediction(main),
    features: featuresOf(main),
    outputs: main.outputs === null ? null : JSON.parse(main.outputs as string),
    routeVersion: main.route_version as number | null,
    bucket: main.bucket as number | null,
    propensity: main.propensity as number | null,
    salt: (main.salt ?? null) as string | null,
    sticky: (main.sticky ?? null) as boolean | null,
    override: (main.override ?? null) as PredictionDetail['override'],
    traceId: (main.trace_id ?? null) as string | null,
    logLoss: main.log_loss as number | null,
    shadows: [...shadows.values()].map(toPrediction),
  };
}

function featuresOf(row: FrameRow): PredictionDetail['features'] {
  const features: PredictionDetail['features'] = {};
  for (const [name, value] of Object.entries(row)) {
    if (!name.startsWith(featurePrefix)) continue;
    const plain = typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
    features[name.slice(featurePrefix.length)] =
      plain === null || ['string', 'number', 'boolean'].includes(typeof plain)
        ? (plain as string | number | boolean | null)
        : JSON.stringify(plain);
  }
  return features;
}
