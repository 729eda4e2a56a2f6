import { access, constants } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { errorCatalogue, isErrorCode } from '../../../core/errors.ts';
import { ControlError } from '../../../platform/client/index.ts';
import { part } from '../api.ts';
import { type CommandCall, UsageError } from '../command.ts';
import {
  type BatchPrediction,
  batchPredictionSchema,
  deletedBatchSchema,
  deletedReplaySchema,
  replaySchema,
} from '../contract.ts';
import { download } from '../download.ts';
import { table } from '../format/table.ts';
import { ago, count, more } from '../format/text.ts';
import { readLocal, uploadLocal } from '../local-file.ts';
import { asCommands } from '../next-step.ts';
import { csvOptionsOf } from './csv-options.ts';
import { makeServable } from './deploy.ts';
import { limitOf } from './limit-of.ts';

const pollMs = 400;

/** `millrace predict <model[/version] | endpoint> <file> --out <file>`: scores every row of a file. */
export async function predict(call: CommandCall): Promise<number | undefined> {
  const format = formatOf(call.needed('out'));
  const keep = call.option('keep');
  const target = targetOf(call.at(0));
  const source = await sourceOf(call, call.at(1));
  if ('model' in target) await makeServable(call, target.model, target.version, 'for a batch of predictions');
  const batch = await call.api.post(
    'batch-predictions',
    {
      target,
      source,
      format,
      log: call.has('log'),
      ...(keep === undefined ? {} : { keep: keep.split(',').map((name) => name.trim()) }),
    },
    batchPredictionSchema,
  );
  return fetched(call, batch.id);
}

/** `millrace predictions cancel <id> --reason …`: of a batch, or of a replay. */
export async function cancelBatch(call: CommandCall): Promise<undefined> {
  const [own, body] = [part(call.at(0)), { reason: call.needed('reason') }];
  const batch = await call.api
    .post(`batch-predictions/${own}/cancel`, body, batchPredictionSchema)
    .catch(nullIfMissing);
  if (!batch) {
    const replay = await call.api.post(`replays/${own}/cancel`, body, replaySchema);
    const state =
      replay.status === 'running' ? "stops with its worker's next heartbeat" : `is ${replay.status}`;
    call.show(replay, () => `Replay ${replay.id} ${state}.`);
    return;
  }
  call.show(batch, () =>
    batch.status === 'running'
      ? `Batch ${batch.id} stops with its worker's next heartbeat, after ${progressOf(batch)} rows.`
      : `Batch ${batch.id} is ${batch.status}.`,
  );
}

/** `millrace predictions delete <id> --reason …`: a batch, or a replay, with the files that it made. */
export async function deleteBatch(call: CommandCall): Promise<undefined> {
  const [own, body] = [part(call.at(0)), { reason: call.needed('reason') }];
  const batch = await call.api
    .delete(`batch-predictions/${own}`, body, deletedBatchSchema)
    .catch(nullIfMissing);
  const deleted = batch ?? (await call.api.delete(`replays/${own}`, body, deletedReplaySchema));
  call.show(
    deleted,
    () =>
      `${batch ? 'Batch' : 'Replay'} ${deleted.id} is deleted, and ${count(deleted.files, 'file')} with it.`,
  );
}

function nullIfMissing(error: unknown): null {
  if (error instanceof ControlError && error.code === 'not_found') return null;
  throw error;
}

/** `millrace predictions resume <id> --out <file>`: goes on with a batch, also one that only this terminal left. */
export async function resumeBatch(call: CommandCall): Promise<number | undefined> {
  const format = formatOf(call.needed('out'));
  let batch = await call.api.get(`batch-predictions/${part(call.at(0))}`, batchPredictionSchema);
  if (batch.format !== format) throw new UsageError(`the batch writes .${batch.format}, not .${format}`);
  if (batch.status === 'failed' || batch.status === 'cancelled') {
    const reason = call.option('reason') ?? 'asked for';
    batch = await call.api.post(
      `batch-predictions/${part(batch.id)}/resume`,
      { reason },
      batchPredictionSchema,
    );
    call.note(`goes on as batch ${batch.id}, after ${progressOf(batch)} rows`);
  }
  return fetched(call, batch.id);
}

function formatOf(out: string): string {
  const extension = extname(out).toLowerCase();
  if (extension !== '.csv' && extension !== '.parquet')
    throw new UsageError(`"${out}" must end in .csv or .parquet`);
  return extension.slice(1);
}

/** Waits for a batch and writes its output to the file that was named. */
async function fetched(call: CommandCall, id: string): Promise<number | undefined> {
  const out = call.needed('out');
  call.note(
    `Batch ${id} needs no command to go on; to wait for it again: millrace predictions resume ${id} --out ${out}`,
  );
  const ended = await followed(call, id);
  if (ended.status !== 'succeeded' || !ended.output) {
    call.show(ended, () =>
      [
        `Batch ${ended.id} ${ended.status}: ${ended.error?.message ?? 'it was stopped'}`,
        nextStepOf(ended, out),
      ].join('\n'),
    );
    return 1;
  }
  await download(call, `/api/v1/batch-predictions/${part(id)}/output`, out);
  const { rows, failedRows } = ended.output;
  call.show(ended, () => {
    const failed =
      failedRows === 0 ? '' : `, ${count(failedRows, 'row')} without a prediction (see column error)`;
    return `${count(rows, 'row')} scored by version ${ended.modelVersion} of ${ended.model}${failed}: ${out}`;
  });
  return undefined;
}

/** What to do about a batch that was stopped: one whose input or model is refused would be refused again. */
function nextStepOf({ id, error }: BatchPrediction, out: string): string {
  const isRefused = error !== null && isErrorCode(error.code) && errorCatalogue[error.code].status < 500;
  if (isRefused) return `Next: ${asCommands(error.next)}`;
  return `Go on with it: millrace predictions resume ${id} --out ${out}`;
}

/** `millrace predictions`: batches, newest first. */
export async function predictions(call: CommandCall): Promise<undefined> {
  const list = await call.api.list('batch-predictions', batchPredictionSchema, limitOf(call, 20));
  call.show(list, () =>
    list.items.length === 0
      ? 'No batch yet: millrace predict <model|endpoint> <file> --out predictions.parquet'
      : table(
          [
            { head: 'model', value: (batch) => `${batch.model}/${batch.modelVersion}` },
            { head: 'rows of', value: (batch) => batch.source.name },
            { head: 'status', value: (batch) => batch.status },
            { head: 'progress', value: progressOf, align: 'right' },
            { head: 'failed rows', value: (batch) => batch.progress.failedRows, align: 'right' },
            { head: 'created', value: (batch) => ago(batch.createdAt, call.nowMs) },
            { head: 'id', value: (batch) => batch.id, isWhole: true },
          ],
          list.items,
          call.width,
        ) + more(list.items.length, list.next),
  );
}

/** `churn` is an endpoint, `churn/3` a version of a registered model. */
function targetOf(text: string): { endpoint: string } | { model: string; version: number } {
  const versioned = /^(.+)\/(\d+)$/.exec(text);
  if (!versioned) return { endpoint: text };
  return { model: versioned[1] ?? '', version: Number(versioned[2]) };
}

async function sourceOf(call: CommandCall, text: string): Promise<Readonly<Record<string, unknown>>> {
  const log = /^log:([^@]+)@([^/]+)\/(.+)$/.exec(text);
  if (log) return { log: log[1] ?? '', from: log[2] ?? '', to: log[3] ?? '' };
  if (text.startsWith('log:'))
    throw new UsageError(
      `"${text}" is not log:<endpoint>@<from>/<to>, e.g. log:churn@2026-01-01T00:00:00Z/2026-02-01T00:00:00Z`,
    );
  if (text.startsWith('dataset:')) return { datasetVersion: text.slice('dataset:'.length) };
  const path = resolve(text);
  await access(path, constants.R_OK).catch(() => readLocal(path));
  const csv = csvOptionsOf(call);
  return {
    digest: await uploadLocal(call.api, path),
    name: text,
    ...(Object.keys(csv).length > 0 ? { csv } : {}),
  };
}

async function followed(call: CommandCall, id: string): Promise<BatchPrediction> {
  let told = -1;
  for (;;) {
    const batch = await call.api.get(`batch-predictions/${part(id)}`, batchPredictionSchema);
    if (batch.status !== 'queued' && batch.status !== 'running') return batch;
    if (batch.progress.rows !== told && batch.progress.totalRows !== null)
      call.note(`${progressOf(batch)} rows`);
    told = batch.progress.rows;
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

function progressOf({ progress }: BatchPrediction): string {
  const rows = progress.rows.toLocaleString('en-US');
  return progress.totalRows === null ? rows : `${rows} of ${progress.totalRows.toLocaleString('en-US')}`;
}
