import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../../../core/errors.ts';
import { packageManifestSchema } from '../../../core/model-package.ts';
import type { DirectFrames } from '../../../platform/frames/direct-frames.ts';
import { sqlLiteral } from '../../../platform/frames/index.ts';
import type { PythonHost } from '../../../platform/python-runtime/index.ts';
import { featureContractSchema } from '../plane/row-check.ts';
import { loadRuntime } from '../plane/runtime.ts';
import { type BatchSource, openSource, openStaged } from './batch-source.ts';
import { inputColumns, readInputs } from './input-columns.ts';
import { keptColumns, PartWriter, selectRows } from './part-writer.ts';
import type { BatchTask, FromBatchProcess, StagedFile } from './protocol.ts';
import { givesMore, givesScalar, predictionOutput, RowScorer } from './row-scorer.ts';

/** Rows of a chunk of DuckDB. */
const chunkRows = 2048;

type FinishedPart = Extract<FromBatchProcess, { type: 'part' }>;

/**
 * Scores every row of a batch that has no part yet, in the order of the input: DuckDB's vectors go to the model as
 * columns, and each part becomes a file as soon as it is full. Returns the rows of the whole input.
 *
 * @param keep is waited for before the next part is finished, so that what is not kept yet stays little; a CSV file of
 * several parts is kept as it was read, once it is clear that its rows can be scored
 */
export async function scoreFile(
  task: BatchTask,
  frames: DirectFrames,
  keep: {
    readonly part: (part: FinishedPart) => Promise<void>;
    readonly staged: (file: StagedFile) => Promise<void>;
  },
  python: PythonHost | null = null,
): Promise<number> {
  const { inputs: job, workDir } = task;
  const bytesOf = async (digest: string) => readFile(task.blobPaths[digest] ?? digest);
  const manifest = packageManifestSchema.parse(
    JSON.parse((await bytesOf(job.packageDigest)).toString('utf8')),
  );
  const contract = manifest.contract
    ? featureContractSchema.parse(JSON.parse((await bytesOf(manifest.contract)).toString('utf8')))
    : null;
  if (manifest.tensors === 'whole') {
    const problem = 'the tensors of a request are one row of it, and a table has rows of cells';
    throw fail('runtime_unavailable', { kind: 'tensor', problem });
  }
  const source = task.staged
    ? await openStaged(frames, task.staged)
    : await openSource(frames, job.source, task.sourcePaths, workDir);
  const inputs = inputColumns(manifest, source, job.source.name);
  const kept = keptColumns(job, source, manifest.signature.inputs);
  requireKept(kept, source, job.source.name);
  if (!task.staged && source.decimal !== null && source.rows > task.partRows)
    await keep.staged({ path: source.path, decimal: source.decimal });
  const runtime = await loadRuntime(manifest, bytesOf, { python }, job.modelVersion);
  const endpoint = job.endpoint ?? job.model;
  const scalar = await givesScalar(manifest, runtime);
  const more = givesMore(manifest);
  const scorer = new RowScorer({ manifest, runtime, contract, scalar, logged: job.log, more, endpoint });
  const prediction = { type: predictionOutput(manifest).type, scalar, more };
  const select = selectRows(source, inputs, kept, job, task.doneRows);
  const selectPart = (first: number, rows: number) => selectRows(source, inputs, kept, job, first, rows);
  const expressions = inputs.reduce((sum, { sql }) => sum + sql.length, 0);
  const problemAt = expressions + kept.length;
  const buffers = inputs.map(() => new Float64Array(chunkRows));

  let part = task.doneParts;
  let firstRow = task.doneRows;
  let startMs = performance.now();
  let writer: PartWriter | null = null;
  const finish = async (): Promise<void> => {
    if (!writer) return;
    const { rows, failedRows } = writer;
    const path = join(workDir, `part-${part}.parquet`);
    const logPath = join(workDir, `log-${part}.parquet`);
    const latencyUs = ((performance.now() - startMs) * 1000) / Math.max(1, rows);
    const span = await writer.finish(task.batchId, firstRow, path, logPath, latencyUs);
    const log = span && { path: logPath, ...span };
    await keep.part({ type: 'part', part, rows, failedRows, totalRows: source.rows, path, log });
    part++;
    firstRow += rows;
    startMs = performance.now();
    writer = null;
  };
  for await (const chunk of frames.stream(select)) {
    writer ??= await PartWriter.open(frames, prediction, inputs, kept, job, selectPart, task.logPolicy);
    const cells = readInputs(chunk, inputs, 0, buffers);
    const problems = source.decimal !== null ? chunk.values(problemAt) : null;
    writer.append(chunk.rowCount, await scorer.score(cells, chunk.rowCount, problems));
    if (writer.rows >= task.partRows) await finish();
  }
  // An input without rows has an output without rows, whose columns are those of any other.
  if (source.rows === 0 && part === 0)
    writer = await PartWriter.open(frames, prediction, inputs, kept, job, selectPart, task.logPolicy);
  await finish();
  if (firstRow !== source.rows) throw new Error(`${firstRow} of ${source.rows} rows have an answer`);
  await runtime.close();
  return source.rows;
}

/** Puts the parts together in their order; one row for each row of the input. */
export async function mergeParts(
  frames: DirectFrames,
  paths: readonly string[],
  format: 'parquet' | 'csv',
  target: string,
): Promise<void> {
  const as = format === 'csv' ? 'FORMAT csv, HEADER' : 'FORMAT parquet, COMPRESSION zstd';
  const files = `read_parquet([${paths.map(sqlLiteral).join(', ')}])`;
  await frames.run(`COPY (SELECT * FROM ${files}) TO ${sqlLiteral(target)} (${as})`);
}

function requireKept(kept: readonly { readonly name: string }[], source: BatchSource, file: string): void {
  const missing = kept.find(({ name }) => !source.columns.has(name));
  if (!missing) return;
  const known = [...source.columns.keys()].join(', ');
  const problem = `it has no column "${missing.name}" to keep; it has ${known}`;
  throw fail('batch_input_unreadable', { name: file, problem });
}
