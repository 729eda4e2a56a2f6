import { z } from 'zod';
import { fail } from '../../../core/errors.ts';
import { type Frames, sqlLiteral, sqlName, typedRows } from '../../../platform/frames/index.ts';
import type { LoggedFeatures } from '../../serving/index.ts';
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

export interface LogWindow {
  readonly rows: number;
  readonly features: Omit<LoggedFeatures, 'redacted'>;
}

/**
 * Writes the answered rows of a span of event time to a Parquet file, ready to be predicted again. Rows whose
 * features were not kept are left out. A signal stops it. Throws `replay_empty`.
 */
export async function writeWindow(
  frames: Frames,
  predictionPaths: readonly string[],
  labelPaths: readonly string[],
  window: { readonly endpoint: string; readonly fromMs: number; readonly toMs: number },
  target: string,
  signal?: AbortSignal,
): Promise<LogWindow> {
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
    [],
    signal,
  );
  const facts = await factsOf(frames, target, features);
  if (facts.rows === 0) throw empty();
  return facts;
}

async function factsOf(
  frames: Frames,
  path: string,
  features: ReadonlyMap<string, string>,
): Promise<LogWindow> {
  const names = [...features.keys()];
  const counts = names.flatMap((name, i) => [
    `count(${sqlName(name)}) AS n${i}`,
    `count(*) FILTER (typeof(${sqlName(name)}) = 'VARCHAR' AND regexp_full_match(${sqlName(name)}::VARCHAR, 'h:[\\w-]{22}')) AS h${i}`,
  ]);
  const [found] = await typedRows(
    frames,
    z.record(z.string(), z.int()),
    `SELECT ${['count(*) AS rows', ...counts].join(', ')} FROM read_parquet(${sqlLiteral(path)})`,
  );
  return {
    rows: found?.rows ?? 0,
    features: {
      logged: names,
      empty: names.filter((_, i) => found?.[`n${i}`] === 0),
      hashed: names.filter((_, i) => (found?.[`h${i}`] ?? 0) > 0),
    },
  };
}
