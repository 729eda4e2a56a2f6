import { fail } from '../../../core/errors.ts';
import { type Frames, sqlLiteral, sqlName } from '../../../platform/frames/index.ts';
import { featurePrefix, featureValues, joinedSql } from '../relations.ts';

/** Columns of a window that say what was answered then; features keep their names. */
export const loggedColumns = {
  predictionId: 'logged_prediction_id',
  entity: 'logged_entity',
  eventTimeMs: 'logged_event_time_ms',
  arm: 'logged_arm',
  version: 'logged_version',
  score: 'logged_score',
  label: 'logged_label',
} as const;

/**
 * Writes the answered rows of a span of event time to a Parquet file, ready to be predicted again. Rows whose
 * features were not kept are left out. Returns how many rows there are. Throws `replay_empty`.
 */
export async function writeWindow(
  frames: Frames,
  predictionPaths: readonly string[],
  labelPaths: readonly string[],
  window: { readonly endpoint: string; readonly fromMs: number; readonly toMs: number },
  target: string,
): Promise<number> {
  const range = `${new Date(window.fromMs).toISOString()} to ${new Date(window.toMs).toISOString()}`;
  const empty = () => fail('replay_empty', { endpoint: window.endpoint, range });
  if (predictionPaths.length === 0) throw empty();
  const features = await featureValues(frames, predictionPaths);
  const own = 'prediction_id, entity, event_time_ms, arm, model_version, status, score, outputs';
  const columns = [own, ...[...features.keys()].map((name) => sqlName(featurePrefix + name))].join(', ');
  const filter = { fromMs: window.fromMs, toMs: window.toMs, rows: 'answered' } as const;
  const select = [
    `prediction_id AS ${loggedColumns.predictionId}`,
    `entity AS ${loggedColumns.entity}`,
    `event_time_ms AS ${loggedColumns.eventTimeMs}`,
    `arm AS ${loggedColumns.arm}`,
    `model_version AS ${loggedColumns.version}`,
    `score AS ${loggedColumns.score}`,
    `label AS ${loggedColumns.label}`,
    ...[...features].map(([name, value]) => `${value} AS ${sqlName(name)}`),
  ].join(', ');
  await frames.query(
    `COPY (SELECT ${select} FROM ${joinedSql(predictionPaths, labelPaths, filter, columns, 'value')}
       WHERE status = 'ok' AND outputs IS NOT NULL ORDER BY event_time_ms, prediction_id)
     TO ${sqlLiteral(target)} (FORMAT parquet, COMPRESSION zstd)`,
  );
  const [count] = await frames.query(`SELECT count(*) AS n FROM read_parquet(${sqlLiteral(target)})`);
  if (count?.n === 0) throw empty();
  return count?.n as number;
}
