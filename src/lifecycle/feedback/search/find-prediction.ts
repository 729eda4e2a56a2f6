import { z } from 'zod';
import { type Frames, sqlLiteral, typedRows, unpacked } from '../../../platform/frames/index.ts';
import {
  DECISION_THRESHOLD,
  type Prediction,
  type PredictionDetail,
  predictionDetailSchema,
  type ReceivedLabel,
} from '../contract.ts';
import { featurePrefix, parquet } from '../relations.ts';
import { loggedPrediction, loggedRowSchema } from './logged-row.ts';

/** A whole row; its features are further keys. What earlier versions did not log yet is not there. */
const foundRowSchema = loggedRowSchema
  .extend({
    outputs: z.string().nullable(),
    route_version: z.int().nullable(),
    bucket: z.int().nullable(),
    propensity: z.number().nullable(),
    salt: z.string().nullish(),
    sticky: z.boolean().nullish(),
    override: predictionDetailSchema.shape.override.optional(),
    trace_id: z.string().nullish(),
  })
  .loose();
type FoundRow = z.infer<typeof foundRowSchema>;

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
  const found = await typedRows(
    frames,
    foundRowSchema,
    `SELECT * FROM ${parquet(predictionPaths)} WHERE prediction_id = ${sqlLiteral(predictionId)}`,
  );
  const isShadow = (row: FoundRow): number => (row.arm === 'shadow' ? 1 : 0);
  const rows = [...found].sort(
    (a, b) =>
      isShadow(a) - isShadow(b) || b.received_at_ms - a.received_at_ms || b.event_time_ms - a.event_time_ms,
  );
  const counting = labels.find(({ counts }) => counts);
  const label = counting
    ? { value: counting.value, eventTime: counting.eventTime, receivedAt: counting.receivedAt }
    : null;
  const detailOf = (row: FoundRow): Prediction => {
    return { ...loggedPrediction(row), label, outcome: judged(row, label)?.outcome ?? null };
  };
  const main = rows[0];
  if (!main) return undefined;
  const shadows = new Map<string, FoundRow>();
  for (const row of rows.slice(1)) {
    const version = row.model_version;
    if (row.arm === 'shadow' && !shadows.has(version)) shadows.set(version, row);
  }
  return {
    ...detailOf(main),
    features: featuresOf(main),
    outputs: main.outputs === null ? null : JSON.parse(unpacked(main.outputs)),
    routeVersion: main.route_version,
    bucket: main.bucket,
    propensity: main.propensity,
    salt: main.salt ?? null,
    sticky: main.sticky ?? null,
    override: main.override ?? null,
    traceId: main.trace_id ?? null,
    logLoss: judged(main, label)?.logLoss ?? null,
    shadows: [...shadows.values()].map(detailOf),
    labels: [...labels],
  };
}

/** As `outcomeSql` and `logLossSql` have it. */
function judged(
  { status, score }: FoundRow,
  label: Prediction['label'],
): { readonly outcome: NonNullable<Prediction['outcome']>; readonly logLoss: number | null } | null {
  const truth = label === null || typeof label.value === 'string' ? Number.NaN : Number(label.value);
  if (status !== 'ok' || score === null || !Number.isFinite(score)) return null;
  if (truth !== 0 && truth !== 1) return null;
  const likelihood = truth === 1 ? score : 1 - score;
  const logLoss = score >= 0 && score <= 1 ? -Math.log(Math.max(likelihood, Number.EPSILON)) : null;
  return { outcome: score >= DECISION_THRESHOLD === (truth === 1) ? 'correct' : 'wrong', logLoss };
}

function featuresOf(row: FoundRow): PredictionDetail['features'] {
  const features: PredictionDetail['features'] = {};
  for (const [name, value] of Object.entries(row)) {
    if (!name.startsWith(featurePrefix)) continue;
    const text = typeof value === 'string' ? unpacked(value) : value;
    const plain = typeof text === 'number' && !Number.isFinite(text) ? String(text) : text;
    features[name.slice(featurePrefix.length)] =
      plain === null || typeof plain === 'string' || typeof plain === 'number' || typeof plain === 'boolean'
        ? plain
        : JSON.stringify(plain);
  }
  return features;
}
