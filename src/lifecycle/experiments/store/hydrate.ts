import { sqliteStatements, statements, type Tx } from '../../../platform/db/index.ts';
import type { FieldMask } from '../../../platform/search/index.ts';
import type { DatasetInputRecord, RunInfo, RunRecord } from '../records.ts';
import type { Tag } from '../validation.ts';
import { datasetsOfRuns, modelsOfRuns } from './inputs.ts';
import { summariesOfRuns } from './metrics.ts';
import { ofRuns } from './of-runs.ts';
import { type RunRow, runInfo } from './runs.ts';
import { grouped } from './tables.ts';

/** A run whose metrics, params and tags are JSON texts that the database made; null where it has none. */
export interface PackedRun {
  readonly info: RunInfo;
  /** `[{"key","value","timestamp","step"}, ...]`, a NaN as text. */
  readonly metrics: string | null;
  /** `[{"key","value"}, ...]` */
  readonly params: string | null;
  readonly tags: string | null;
  readonly inputs: readonly DatasetInputRecord[];
  readonly modelInputs: readonly string[];
  readonly modelOutputs: readonly { readonly modelId: string; readonly step: number }[];
}

const everything: FieldMask = { metrics: 'all', params: 'all', tags: 'all' };

/**
 * Runs in the order of the rows: one query per kind of data for all of them.
 *
 * @param mask what is wanted of them; nothing else is read. Datasets and models come with everything only.
 */
export async function hydrateRuns(
  tx: Tx,
  rows: readonly RunRow[],
  mask: FieldMask = everything,
): Promise<readonly RunRecord[]> {
  if (rows.length === 0) return [];
  const seqs = rows.map((row) => row.seq);
  const params = await textsOfRuns(tx, 'run_params', seqs, mask.params);
  const tags = await textsOfRuns(tx, 'run_tags', seqs, mask.tags);
  const metrics = await summariesOfRuns(tx, rows, mask.metrics);
  const linked = mask === everything ? await linksOfRuns(tx, seqs) : null;
  return rows.map((row) => ({
    ...runInfo(row),
    params: params.get(row.seq) ?? [],
    tags: tags.get(row.seq) ?? [],
    metrics: metrics.get(row.seq) ?? [],
    ...(linked?.(row.seq) ?? { inputs: [], modelInputs: [], modelOutputs: [] }),
  }));
}

/**
 * The same for answers that hold whole runs by the thousand: the lists come from the database as text, so that
 * no object is made per metric, param and tag. Not within a transaction, whose connection can do one thing at a time.
 */
export async function packRuns(tx: Tx, rows: readonly RunRow[]): Promise<readonly PackedRun[]> {
  if (rows.length === 0) return [];
  const seqs = rows.map((row) => row.seq);
  // At once, where the database has more than one connection to give.
  const [params, tags, metrics, linked] = await Promise.all([
    packed(tx, seqs, 'run_params', pairJson),
    packed(tx, seqs, 'run_tags', pairJson),
    packed(tx, seqs, 'metric_series', metricJson),
    linksOfRuns(tx, seqs),
  ]);
  return rows.map((row) => ({
    info: runInfo(row),
    metrics: metrics.get(row.seq) ?? null,
    params: params.get(row.seq) ?? null,
    tags: tags.get(row.seq) ?? null,
    ...linked(row.seq),
  }));
}

async function linksOfRuns(tx: Tx, seqs: readonly number[]) {
  const datasets = await datasetsOfRuns(tx, seqs);
  const models = await modelsOfRuns(tx, seqs);
  return (seq: number) => {
    const ofRun = models.get(seq) ?? [];
    return {
      inputs: datasets.get(seq) ?? [],
      modelInputs: ofRun.filter((m) => m.direction === 'input').map((m) => m.modelId),
      modelOutputs: ofRun
        .filter((m) => m.direction === 'output')
        .map(({ modelId, step }) => ({ modelId, step })),
    };
  };
}

async function textsOfRuns(
  tx: Tx,
  table: 'run_params' | 'run_tags',
  seqs: readonly number[],
  keys: FieldMask['params'],
): Promise<ReadonlyMap<number, Tag[]>> {
  if (keys !== 'all' && keys.size === 0) return new Map();
  const { where, value } = ofRuns(tx, seqs);
  const some = keys === 'all' ? [] : [...keys];
  const ofKeys = keys === 'all' ? '' : ` AND key IN (${some.map(() => '?').join()})`;
  const rows = await statements(tx).all<Tag & { readonly run_seq: number }>(
    `SELECT run_seq, key, value FROM ${table} WHERE ${where}${ofKeys} ORDER BY run_seq, key`,
    [value, ...some],
  );
  return grouped(
    rows,
    (row) => row.run_seq,
    ({ key, value }) => ({ key, value }),
  );
}

interface JsonItem {
  readonly sqlite: string;
  readonly postgres: string;
  readonly where: string;
}

const pairJson: JsonItem = {
  sqlite: `'key', key, 'value', value`,
  postgres: `'key', key, 'value', value`,
  where: '',
};
const metricJson: JsonItem = {
  sqlite: `'key', key, 'value', CASE last_is_nan WHEN 1 THEN 'NaN' ELSE last_value END, 'timestamp', last_time_ms, 'step', last_step`,
  postgres: `'key', key, 'value', CASE last_is_nan WHEN 1 THEN to_json('NaN'::text) ELSE to_json(last_value) END, 'timestamp', last_time_ms, 'step', last_step`,
  where: ' AND count > 0',
};

async function packed(
  tx: Tx,
  seqs: readonly number[],
  table: 'run_params' | 'run_tags' | 'metric_series',
  item: JsonItem,
): Promise<ReadonlyMap<number, string>> {
  const { where, value } = ofRuns(tx, seqs);
  const items = sqliteStatements(tx)
    ? `json_group_array(json_object(${item.sqlite}))`
    : `json_agg(json_build_object(${item.postgres}) ORDER BY key)::text`;
  const rows = await statements(tx).all<{ readonly run_seq: number; readonly items: string }>(
    `SELECT run_seq, ${items} AS items FROM ${table} WHERE ${where}${item.where} GROUP BY run_seq`,
    [value],
  );
  return new Map(rows.map((row) => [row.run_seq, row.items]));
}
