import { sql } from 'kysely';
import type { Tx } from '../../../platform/db/index.ts';
import type { DatasetInputRecord, DatasetSummaryRecord } from '../records.ts';
import { isOfRuns } from './of-runs.ts';
import { grouped, lastByKey, on } from './tables.ts';

/**
 * Links datasets to a run. A dataset is one row per (experiment, name, digest); a link that is there already
 * keeps its tags.
 */
export async function addDatasetInputs(
  tx: Tx,
  run: { readonly seq: number; readonly experimentId: number },
  inputs: readonly DatasetInputRecord[],
): Promise<void> {
  for (const { dataset, tags } of inputs) {
    const { id } = await on(tx)
      .insertInto('input_datasets')
      .values({
        experiment_id: run.experimentId,
        name: dataset.name,
        digest: dataset.digest,
        source_type: dataset.sourceType,
        source: dataset.source,
        schema: dataset.schema,
        profile: dataset.profile,
      })
      .onConflict((c) =>
        c.columns(['experiment_id', 'name', 'digest']).doUpdateSet({ name: sql`excluded.name` }),
      )
      .returning('id')
      .executeTakeFirstOrThrow();
    const linked = await on(tx)
      .insertInto('run_datasets')
      .values({ run_seq: run.seq, dataset_id: id })
      .onConflict((c) => c.columns(['run_seq', 'dataset_id']).doNothing())
      .returning('dataset_id')
      .executeTakeFirst();
    if (!linked || tags.length === 0) continue;
    await on(tx)
      .insertInto('run_dataset_tags')
      .values(lastByKey(tags).map(({ key, value }) => ({ run_seq: run.seq, dataset_id: id, key, value })))
      .execute();
  }
}

/** Links logged models with a run at a step; links that are there already are left as they are. */
export async function addRunModels(
  tx: Tx,
  runSeq: number,
  direction: 'input' | 'output',
  models: readonly { readonly modelId: string; readonly step: number }[],
): Promise<void> {
  if (models.length === 0) return;
  await on(tx)
    .insertInto('run_models')
    .values(models.map(({ modelId, step }) => ({ run_seq: runSeq, model_id: modelId, direction, step })))
    .onConflict((c) => c.columns(['run_seq', 'direction', 'model_id', 'step']).doNothing())
    .execute();
}

/** The datasets that runs took in, by `seq` of the run, oldest first; runs without any are not in the map. */
export async function datasetsOfRuns(
  tx: Tx,
  seqs: readonly number[],
): Promise<ReadonlyMap<number, DatasetInputRecord[]>> {
  const rows = await on(tx)
    .selectFrom('run_datasets as l')
    .innerJoin('input_datasets as d', 'd.id', 'l.dataset_id')
    .selectAll('d')
    .select('l.run_seq')
    .where(isOfRuns(tx, 'l.run_seq', seqs))
    .orderBy('d.id')
    .execute();
  if (rows.length === 0) return new Map();
  const tagRows = await on(tx)
    .selectFrom('run_dataset_tags')
    .selectAll()
    .where(isOfRuns(tx, 'run_seq', seqs))
    .orderBy('key')
    .execute();
  const tags = grouped(
    tagRows,
    (row) => `${row.run_seq}/${row.dataset_id}`,
    ({ key, value }) => ({ key, value }),
  );
  return grouped(
    rows,
    (row) => row.run_seq,
    (row) => {
      const { name, digest, source_type: sourceType, source, schema, profile } = row;
      const dataset = { name, digest, sourceType, source, schema, profile };
      return { dataset, tags: tags.get(`${row.run_seq}/${row.id}`) ?? [] };
    },
  );
}

/**
 * The logged models that runs took in or gave out, by `seq` of the run; runs without any are not in the map.
 */
export async function modelsOfRuns(tx: Tx, seqs: readonly number[]) {
  const rows = await on(tx)
    .selectFrom('run_models')
    .selectAll()
    .where(isOfRuns(tx, 'run_seq', seqs))
    .execute();
  return grouped(
    rows,
    (row) => row.run_seq,
    (row) => ({ modelId: row.model_id, direction: row.direction, step: row.step }),
  );
}

/** Datasets that runs of these experiments use, once for each context that they are used in. */
export async function datasetSummaries(
  tx: Tx,
  experimentIds: readonly number[],
  context: { readonly tagKey: string; readonly limit: number },
): Promise<readonly DatasetSummaryRecord[]> {
  const rows = await on(tx)
    .selectFrom('input_datasets as d')
    .innerJoin('run_datasets as l', 'l.dataset_id', 'd.id')
    .leftJoin('run_dataset_tags as t', (join) =>
      join
        .onRef('t.run_seq', '=', 'l.run_seq')
        .onRef('t.dataset_id', '=', 'd.id')
        .on('t.key', '=', context.tagKey),
    )
    .select(['d.id', 'd.experiment_id', 'd.name', 'd.digest', 't.value'])
    .distinct()
    .where('d.experiment_id', 'in', experimentIds)
    .orderBy('d.id')
    .orderBy('t.value')
    .limit(context.limit)
    .execute();
  return rows.map((row) => ({
    experimentId: String(row.experiment_id),
    name: row.name,
    digest: row.digest,
    context: row.value,
  }));
}
