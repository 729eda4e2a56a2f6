import { statements, type Tx } from '../../../platform/db/index.ts';
import type { FieldMask } from '../../../platform/search/index.ts';
import type { RunRecord } from '../records.ts';
import type { Tag } from '../validation.ts';
import { datasetsOfRuns, modelsOfRuns } from './inputs.ts';
import { summariesOfRuns } from './metrics.ts';
import { ofRuns } from './of-runs.ts';
import { type RunRow, runInfo } from './runs.ts';
import { grouped } from './tables.ts';

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
