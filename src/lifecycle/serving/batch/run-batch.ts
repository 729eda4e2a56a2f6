import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { z } from 'zod';
import { type Digest, digestsIn } from '../../../core/json.ts';
import { packageManifestSchema } from '../../../core/model-package.ts';
import { packagesOf } from '../../../core/package-runtime.ts';
import { ControlClient, isPassing } from '../../../platform/client/index.ts';
import type { StepContext } from '../../../platform/registries/index.ts';
import { BatchProcess } from './batch-process.ts';
import {
  type BatchInputs,
  type BatchLogPolicy,
  type BatchOutputs,
  type BatchPart,
  batchLogPolicySchema,
  batchPartsSchema,
  batchWindowSchema,
  type StagedInput,
} from './contract.ts';
import type { FromBatchProcess, PythonSettings } from './protocol.ts';

/** Rows of a part: what a crash may cost. */
const partRows = 131_072;
const memoryLimit = '1GB';
const retryMs = 500;

/** What a batch needs of its step, and where its parts are kept. */
export interface BatchRun {
  readonly batchId: string;
  readonly context: Pick<StepContext, 'blobs' | 'signal' | 'workDir' | 'log'>;
  readonly parts: {
    readonly done: () => Promise<{
      readonly items: readonly BatchPart[];
      readonly staged: StagedInput | null;
    }>;
    readonly keep: (part: BatchPart) => Promise<void>;
    /** Keeps the CSV file of a batch as Parquet for its next attempts; null: it is not needed any more. */
    readonly stage: (staged: StagedInput | null) => Promise<void>;
    /** What is read of a log, where the inputs do not say. */
    readonly window: () => Promise<Digest>;
    /** What of its rows may be logged; asked for where they are. */
    readonly logPolicy: () => Promise<BatchLogPolicy>;
  };
  readonly threads?: number;
  readonly partRows?: number;
  /** How models run that are Python; left out: they cannot. */
  readonly python?: PythonSettings | null;
}

/**
 * Scores a batch from where an earlier attempt stopped: finished parts are kept at control, so a killed worker, or
 * another machine, goes on with the first row that has none. Every row of the input has one row in the output.
 * Errors: those of `openSource` and `inputColumns`; `onnx_invalid`.
 */
export async function runBatch(inputs: BatchInputs, run: BatchRun): Promise<BatchOutputs> {
  const { context, parts, batchId } = run;
  const { blobs, signal, workDir, log } = context;
  const before = await parts.done();
  const done = [...before.items].sort((a, b) => a.part - b.part);
  let { staged } = before;
  const doneRows = done.reduce((sum, part) => sum + part.rows, 0);
  if (done.length > 0) log(`goes on after ${doneRows} rows in ${done.length} parts of an earlier attempt`);
  const { source } = inputs;
  const isWindow = source.kind === 'log' && source.digests.length === 0;
  const digests = staged ? [] : isWindow ? [await parts.window()] : source.digests;
  const sourcePaths = await Promise.all(digests.map((digest) => blobs.path(digest)));
  const child = await BatchProcess.start(workDir, signal);
  try {
    child.send({
      type: 'task',
      batchId,
      inputs,
      sourcePaths,
      staged: staged && { path: await blobs.path(staged.digest), decimal: staged.decimal },
      blobPaths: await packagePaths(inputs.packageDigest, blobs),
      workDir,
      memoryLimit,
      threads: run.threads ?? 1,
      partRows: run.partRows ?? partRows,
      python: run.python ?? null,
      doneParts: done.length,
      doneRows,
      logPolicy: inputs.log ? await parts.logPolicy() : null,
    });
    for (;;) {
      const message = await child.next(signal);
      if (message.type === 'scored') break;
      if (message.type === 'staged') {
        const { digest } = await blobs.put(createReadStream(message.path));
        staged = { digest, decimal: message.decimal };
        await parts.stage(staged);
        child.send({ type: 'kept' });
      }
      if (message.type !== 'part') continue;
      const part = await store(message, blobs);
      await parts.keep(part);
      done.push(part);
      child.send({ type: 'kept' });
      const rows = done.reduce((sum, { rows: some }) => sum + some, 0);
      log(`${rows} of ${part.totalRows} rows`);
    }
    const paths = await Promise.all(done.map(({ digest }) => blobs.path(digest)));
    child.send({ type: 'merge', paths });
    const merged = await child.next(signal);
    if (merged.type !== 'merged') throw new Error(`expected the merged file, got ${merged.type}`);
    const { digest, sizeBytes } = await blobs.put(createReadStream(merged.path));
    if (staged) await parts.stage(null);
    const rows = done.reduce((sum, part) => sum + part.rows, 0);
    return { digest, sizeBytes, rows, failedRows: done.reduce((sum, part) => sum + part.failedRows, 0) };
  } finally {
    await child.stop();
  }
}

async function store(
  message: Extract<FromBatchProcess, { type: 'part' }>,
  blobs: StepContext['blobs'],
): Promise<BatchPart> {
  const { part, rows, failedRows, totalRows, path } = message;
  const { digest } = await blobs.put(createReadStream(path));
  await rm(path);
  if (!message.log) return { part, digest, rows, failedRows, totalRows, log: null };
  const { path: logPath, ...span } = message.log;
  const logged = await blobs.put(createReadStream(logPath));
  await rm(logPath);
  return { part, digest, rows, failedRows, totalRows, log: { digest: logged.digest, ...span } };
}

/** Local copies of a package's blobs, and of those of the packages that it is made of. */
async function packagePaths(digest: Digest, blobs: StepContext['blobs']): Promise<Record<string, string>> {
  const packages = new Set([digest]);
  const paths: Record<string, string> = {};
  // A set gives what is added to it on the way, too.
  for (const name of packages) {
    const text = (await blobs.bytes(name)).toString('utf8');
    const { runtime } = packageManifestSchema.parse(JSON.parse(text));
    if (runtime.kind === 'graph') for (const inner of packagesOf(runtime.step)) packages.add(inner);
    for (const part of [name, ...digestsIn(text)]) paths[part] ??= await blobs.path(part);
  }
  return paths;
}

/** The parts of a batch as control keeps them. A control that is away for a moment is waited for. */
export function controlParts(
  context: Pick<StepContext, 'controlUrl' | 'token' | 'signal'>,
  batchId: string,
): BatchRun['parts'] {
  const { controlUrl, token, signal } = context;
  const client = new ControlClient(controlUrl, { token });
  const path = `/api/v1/batch-predictions/${batchId}/parts`;
  const patiently = async <T>(call: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await call();
      } catch (error) {
        if (!isPassing(error)) throw error;
        signal.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  };
  return {
    done: () => patiently(() => client.call(path, { schema: batchPartsSchema, signal })),
    keep: async (part) => {
      await patiently(() => client.call(path, { body: part, schema: z.unknown(), signal }));
    },
    stage: async (staged) => {
      const change = staged ? ({ method: 'POST', body: staged } as const) : ({ method: 'DELETE' } as const);
      const address = `/api/v1/batch-predictions/${batchId}/staged`;
      await patiently(() => client.call(address, { ...change, schema: z.unknown(), signal }));
    },
    window: async () => {
      for (;;) {
        signal.throwIfAborted();
        const body = {};
        const { digest } = await patiently(() =>
          client.call(`/api/v1/batch-predictions/${batchId}/window`, {
            body,
            schema: batchWindowSchema,
            signal,
          }),
        );
        if (digest) return digest;
      }
    },
    logPolicy: () =>
      patiently(() =>
        client.call(`/api/v1/batch-predictions/${batchId}/log-policy`, {
          schema: batchLogPolicySchema,
          signal,
        }),
      ),
  };
}
