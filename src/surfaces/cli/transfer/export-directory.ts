import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { fail } from '../../../core/errors.ts';
import { isDigest } from '../../../core/json.ts';
import { parseInput } from '../../../core/schema.ts';
import { type Frames, sqlLiteral } from '../../../platform/frames/index.ts';
import {
  type TransferModel,
  type TransferRegisteredModel,
  type TransferRun,
  type TransferTag,
  transferAliasMoveSchema,
  transferVersionSchema,
} from '../contract.ts';
import { proxiedPath } from './artifact-files.ts';
import {
  artifactFile,
  type ExportRow,
  type ExportTable,
  exportFormat,
  exportVersion,
  isExportRow,
  manifestFile,
} from './export-tables.ts';
import { digestOfFile } from './export-writer.ts';
import type { TransferSource } from './transfer-source.ts';

const pageSize = 200;

const manifestSchema = z.object({
  format: z.literal(exportFormat),
  version: z.number().int().max(exportVersion, `is newer than this millrace knows (${exportVersion})`),
  id: z.string(),
  tables: z.record(z.string(), z.object({ file: z.string(), rows: z.number(), digest: z.string() })),
});

/**
 * A folder that `millrace export` wrote. Its Parquet files are checked against their digests first, each artifact
 * when it is opened. Throws `export_invalid`, naming the file.
 */
export async function openExport(directory: string, frames: Frames): Promise<TransferSource> {
  const root = resolve(directory);
  const manifest = await readManifest(root);
  for (const { file, digest } of Object.values(manifest.tables)) {
    const found = await digestOfFile(join(root, file)).catch((error: Error) => error.message);
    if (found !== digest) {
      throw fail('export_invalid', { file: join(root, file), problem: `its digest is not ${digest}` });
    }
  }
  const read = async <T extends ExportTable>(
    table: T,
    where: string,
    order = '',
  ): Promise<readonly ExportRow<T>[]> => {
    const source = `read_parquet(${sqlLiteral(join(root, `${table}.parquet`))})`;
    const rows = await frames.query(`SELECT * FROM ${source} WHERE ${where} ${order}`);
    return rows.map((row) => {
      if (isExportRow(table, row)) return row;
      throw fail('export_invalid', {
        file: join(root, `${table}.parquet`),
        problem: 'its columns are others',
      });
    });
  };
  const tagsBy = async (table: 'params' | 'tags', ids: string) =>
    groupTags(await read(table, `run_id ${ids}`), 'run_id');
  return {
    name: `export ${manifest.id}`,
    concurrency: 1,
    async *experiments() {
      const tags = groupTags(await read('experiment_tags', 'true'), 'experiment_id');
      for (const row of await read('experiments', 'true')) {
        yield {
          id: row.id ?? '',
          name: row.name ?? '',
          lifecycleStage: row.lifecycle_stage === 'deleted' ? 'deleted' : 'active',
          createdAtMs: row.created_at_ms ?? 0,
          updatedAtMs: row.updated_at_ms ?? 0,
          tags: tags.get(row.id ?? '') ?? [],
        };
      }
    },
    async *runs(experimentId) {
      const of = `experiment_id = ${sqlLiteral(experimentId)}`;
      for (let after = ''; ; ) {
        const rows = await read(
          'runs',
          `${of} AND id > ${sqlLiteral(after)}`,
          `ORDER BY id LIMIT ${pageSize}`,
        );
        const last = rows.at(-1);
        if (!last) return;
        const ids = inList(rows.map((row) => row.id ?? ''));
        const params = await tagsBy('params', ids);
        const tags = await tagsBy('tags', ids);
        const inputs = Map.groupBy(await read('inputs', `run_id ${ids}`), (row) => row.run_id);
        const links = Map.groupBy(await read('run_models', `run_id ${ids}`), (row) => row.run_id);
        for (const row of rows) {
          const id = row.id ?? '';
          yield { mark: '', item: toRun(row, params.get(id), tags.get(id), inputs.get(id), links.get(id)) };
        }
        after = last.id ?? '';
      }
    },
    async *metrics(run) {
      const rows = await read('metrics', `run_id = ${sqlLiteral(run.id)}`);
      for (const [key, points] of Map.groupBy(rows, (row) => row.key ?? '')) {
        yield {
          key,
          steps: points.map((point) => point.step ?? 0),
          timesMs: points.map((point) => point.time_ms ?? 0),
          values: points.map((point) => point.value ?? Number.NaN),
        };
      }
    },
    async *models(experimentId) {
      const of = `experiment_id = ${sqlLiteral(experimentId)}`;
      for (let after = ''; ; ) {
        const where = `${of} AND id > ${sqlLiteral(after)}`;
        const rows = await read('logged_models', where, `ORDER BY id LIMIT ${pageSize}`);
        const last = rows.at(-1);
        if (!last) return;
        const ids = `model_id ${inList(rows.map((row) => row.id ?? ''))}`;
        const params = groupTags(await read('logged_model_params', ids), 'model_id');
        const tags = groupTags(await read('logged_model_tags', ids), 'model_id');
        const metrics = Map.groupBy(await read('logged_model_metrics', ids), (row) => row.model_id);
        for (const row of rows) {
          const id = row.id ?? '';
          yield { mark: '', item: toModel(row, params.get(id), tags.get(id), metrics.get(id)) };
        }
        after = last.id ?? '';
      }
    },
    async files({ kind, id, artifactUri }) {
      // Files that the exporting server did not keep are not in the export.
      if (proxiedPath(artifactUri) === undefined) return null;
      const where = `kind = ${sqlLiteral(kind)} AND owner_id = ${sqlLiteral(id)}`;
      const files = new Map<string, string>();
      for (const row of await read('artifacts', where)) files.set(row.path ?? '', row.digest ?? '');
      return {
        async *list() {
          yield* files.keys();
        },
        open: (path) => openArtifact(root, path, files.get(path) ?? ''),
      };
    },
    async *registeredModels() {
      for (const row of await read('registered_models', 'true', 'ORDER BY name')) {
        const of = `name = ${sqlLiteral(row.name)}`;
        const tags = groupTags(await read('model_version_tags', of), 'version');
        yield {
          name: row.name ?? '',
          description: row.description ?? '',
          isPrompt: row.is_prompt,
          lastVersion: row.last_version ?? 0,
          createdAtMs: row.created_at_ms ?? 0,
          updatedAtMs: row.updated_at_ms ?? 0,
          tags: groupTags(await read('registered_model_tags', of), 'name').get(row.name ?? '') ?? [],
          aliases: (await read('aliases', of)).map((alias) => ({
            alias: alias.alias ?? '',
            version: alias.version ?? 0,
          })),
          versions: (await read('model_versions', of, 'ORDER BY version')).map((version) =>
            toVersion(version, tags.get(String(version.version))),
          ),
          aliasMoves: (await read('alias_history', of, 'ORDER BY id')).map(toMove),
        };
      }
    },
    async close() {},
  };
}

/**
 * The bytes of an artifact. An export may come from anywhere: a digest that is none could name any file of this machine,
 * and a file that has other bytes by now is not what was exported.
 */
async function openArtifact(root: string, path: string, digest: string): Promise<Readable> {
  const of = `(artifact ${JSON.stringify(path)})`;
  if (!isDigest(digest)) {
    const problem = `${JSON.stringify(digest)} is no digest ${of}`;
    throw fail('export_invalid', { file: join(root, 'artifacts.parquet'), problem });
  }
  const file = join(root, artifactFile(digest));
  const found = await digestOfFile(file).catch((error: Error) => error.message);
  if (found === digest) return createReadStream(file);
  throw fail('export_invalid', { file, problem: `its digest is not ${digest} ${of}` });
}

async function readManifest(root: string): Promise<z.output<typeof manifestSchema>> {
  const file = join(root, manifestFile);
  try {
    return manifestSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    const issue = error instanceof z.ZodError ? error.issues[0] : undefined;
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const problem = issue
      ? `${issue.path.map(String).join('.')} ${issue.message}`
      : missing
        ? 'it does not exist'
        : (error as Error).message;
    throw fail('export_invalid', { file, problem }, error);
  }
}

/** `IN (…)`, with a range before it by which parts of the file are skipped. */
function inList(ids: readonly string[]): string {
  return `IN (${ids.map((id) => sqlLiteral(id)).join(', ')})`;
}

function groupTags(
  rows: readonly { readonly key: string | null; readonly value: string | null }[],
  by: string,
): ReadonlyMap<string, TransferTag[]> {
  const groups = new Map<string, TransferTag[]>();
  for (const row of rows) {
    const of = String((row as Record<string, unknown>)[by]);
    groups.set(of, [...(groups.get(of) ?? []), { key: row.key ?? '', value: row.value ?? '' }]);
  }
  return groups;
}

function toRun(
  row: ExportRow<'runs'>,
  params: TransferTag[] = [],
  tags: TransferTag[] = [],
  inputs: readonly ExportRow<'inputs'>[] = [],
  links: readonly ExportRow<'run_models'>[] = [],
): TransferRun {
  const linked = (direction: string) => links.filter((link) => link.direction === direction);
  return {
    id: row.id ?? '',
    experimentId: row.experiment_id ?? '',
    name: row.name ?? '',
    userId: row.user_id ?? '',
    status: row.status as TransferRun['status'],
    startTimeMs: row.start_time_ms ?? 0,
    endTimeMs: row.end_time_ms,
    lifecycleStage: row.lifecycle_stage === 'deleted' ? 'deleted' : 'active',
    artifactUri: row.artifact_uri,
    params,
    tags,
    inputs: inputs.map(({ run_id: _, source_type, tags: json, name, digest, source, schema, profile }) => ({
      name: name ?? '',
      digest: digest ?? '',
      sourceType: source_type ?? '',
      source: source ?? '',
      schema,
      profile,
      tags: JSON.parse(json ?? '[]') as TransferTag[],
    })),
    modelInputs: linked('input').map((link) => link.model_id ?? ''),
    modelOutputs: linked('output').map((link) => ({ modelId: link.model_id ?? '', step: link.step ?? 0 })),
  };
}

function toModel(
  row: ExportRow<'logged_models'>,
  params: TransferTag[] = [],
  tags: TransferTag[] = [],
  metrics: readonly ExportRow<'logged_model_metrics'>[] = [],
): TransferModel {
  return {
    id: row.id ?? '',
    experimentId: row.experiment_id ?? '',
    name: row.name ?? '',
    artifactUri: row.artifact_uri,
    modelType: row.model_type,
    sourceRunId: row.source_run_id,
    status: row.status as TransferModel['status'],
    lifecycleStage: row.lifecycle_stage === 'deleted' ? 'deleted' : 'active',
    createdAtMs: row.created_at_ms ?? 0,
    updatedAtMs: row.updated_at_ms ?? 0,
    params,
    tags,
    metrics: metrics.map((metric) => ({
      key: metric.key ?? '',
      value: metric.value ?? 0,
      step: metric.step ?? 0,
      timeMs: metric.time_ms ?? 0,
      runId: metric.run_id ?? '',
      datasetName: metric.dataset_name,
      datasetDigest: metric.dataset_digest,
    })),
  };
}

function toVersion(
  row: ExportRow<'model_versions'>,
  tags: TransferTag[] = [],
): TransferRegisteredModel['versions'][number] {
  return parseInput(
    transferVersionSchema,
    {
      version: row.version ?? 0,
      status: row.status,
      statusMessage: row.status_message,
      stage: row.stage,
      deleted: row.deleted,
      description: row.description ?? '',
      source: row.source ?? '',
      storageLocation: row.storage_location ?? '',
      runId: row.run_id,
      runLink: row.run_link,
      modelId: row.model_id,
      createdBy: row.created_by ?? '',
      createdAtMs: row.created_at_ms ?? 0,
      updatedAtMs: row.updated_at_ms ?? 0,
      tags,
      digest: row.digest,
      datasetVersionId: row.dataset_version_id,
      datasetDigest: row.dataset_digest,
      signature: row.signature,
      evaluationId: row.evaluation_id,
    },
    `model_versions.${row.name}/${row.version}`,
  );
}

function toMove(row: ExportRow<'alias_history'>): TransferRegisteredModel['aliasMoves'][number] {
  return parseInput(
    transferAliasMoveSchema,
    {
      id: row.id ?? '',
      alias: row.alias ?? '',
      version: row.version,
      previousVersion: row.previous_version,
      action: row.action,
      by: row.moved_by ?? '',
      reason: row.reason ?? '',
      movedAtMs: row.moved_at_ms ?? 0,
    },
    `alias_history.${row.id}`,
  );
}
