import { type FrameRow, type Frames, sqlLiteral, unpacked } from '../../../platform/frames/index.ts';
import {
  DECISION_THRESHOLD,
  type Prediction,
  type PredictionDetail,
  type ReceivedLabel,
} from '../contract.ts';
import { featurePrefix, parquet } from '../relations.ts';
import { loggedPrediction } from './list-predictions.ts';

/**
 * Everything known of one prediction id, or undefined. Where it was sent twice, the row received last counts. A plain
 * query and labels joined here cost half of what a join in the frame engine does.
 *
 * @param labels all labels of the id
 */
export async function findPrediction(
  frames: Frames,
  predictionPaths: readonly string[],
  labels: readonly ReceivedLabel[],
  predictionId: string,
): Promise<PredictionDetail | undefined> {
  if (predictionPaths.length === 0) return undefined;
  const found = await frames.query(
    `SELECT * FROM ${parquet(predictionPaths)} WHERE prediction_id = ${sqlLiteral(predictionId)}`,
  );
  const isShadow = (row: FrameRow): number => (row.arm === 'shadow' ? 1 : 0);
  const rows = [...found].sort(
    (a, b) =>
      isShadow(a) - isShadow(b) ||
      (b.received_at_ms as number) - (a.received_at_ms as number) ||
      (b.event_time_ms as number) - (a.event_time_ms as number),
  );
  const counting = labels.find(({ counts }) => counts);
  const label = counting
    ? { value: counting.value, eventTime: counting.eventTime, receivedAt: counting.receivedAt }
    : null;
  const detailOf = (row: FrameRow): Prediction => {
    return { ...loggedPrediction(row), label, outcome: judged(row, label)?.outcome ?? null };
  };
  const main = rows[0];
  if (!main) return undefined;
  const shadows = new Map<string, FrameRow>();
  for (const row of rows.slice(1)) {
    const version = row.model_version as string;
    if (row.arm === 'shadow' && !shadows.has(version)) shadows.set(version, row);
  }
  return {
    ...detailOf(main),
    features: featuresOf(main),
    outputs: main.outputs === null ? null : JSON.parse(unpacked(main.outputs as string)),
    routeVersion: main.route_version as number | null,
    bucket: main.bucket as number | null,
    propensity: main.propensity as number | null,
    salt: (main.salt ?? null) as string | null,
    sticky: (main.sticky ?? null) as boolean | null,
    override: (main.override ?? null) as PredictionDetail['override'],
    traceId: (main.trace_id ?? null) as string | null,
    logLoss: judged(main, label)?.logLoss ?? null,
    shadows: [...shadows.values()].map(detailOf),
    labels: [...labels],
  };
}

/** As `outcomeSql` and `logLossSql` have it. */
function judged(
  { status, score }: FrameRow,
  label: Prediction['label'],
): { readonly outcome: NonNullable<Prediction['outcome']>; readonly logLoss: number | null } | null {
  const truth = label === null || typeof label.value === 'string' ? Number.NaN : Number(label.value);
  if (status !== 'ok' || typeof score !== 'number' || !Number.isFinite(score)) return null;
  if (truth !== 0 && truth !== 1) return null;
  const likelihood = truth === 1 ? score : 1 - score;
  const logLoss = score >= 0 && score <= 1 ? -Math.log(Math.max(likelihood, Number.EPSILON)) : null;
  return { outcome: score >= DECISION_THRESHOLD === (truth === 1) ? 'correct' : 'wrong', logLoss };
}

function featuresOf(row: FrameRow): PredictionDetail['features'] {
  const features: PredictionDetail['features'] = {};
  for (const [name, value] of Object.entries(row)) {
    if (!name.startsWith(featurePrefix)) continue;
    const text = typeof value === 'string' ? unpacked(value) : value;
    const plain = typeof text === 'number' && !Number.isFinite(text) ? String(text) : text;
    features[name.slice(featurePrefix.length)] =
      plain === null || ['string', 'number', 'boolean'].includes(typeof plain)
        ? (plain as string | number | boolean | null)
        : JSON.stringify(plain);
  }
  return features;
}
