import { join } from 'node:path';
import { errorMessage } from '../../../core/error-message.ts';
import { MillraceError } from '../../../core/errors.ts';
import { DirectFrames } from '../../../platform/frames/direct-frames.ts';
import { createLogger } from '../../../platform/log/index.ts';
import type { BatchTask, FromBatchProcess, StagedFile, ToBatchProcess } from './protocol.ts';
import { mergeParts, scoreFile } from './score-file.ts';

/**
 * The process that scores the rows of one batch. The model computes on the thread that asks it, and DuckDB needs
 * memory: neither may stall or take down the worker that keeps the lease.
 */
let kept: () => void = () => {};
let task: BatchTask | null = null;
let frames: DirectFrames | null = null;

function send(message: FromBatchProcess): void {
  process.send?.(message);
}

/** Sends what is to be kept, and waits until it is. */
async function acknowledged(message: FromBatchProcess): Promise<void> {
  const isKept = new Promise<void>((resolve) => {
    kept = resolve;
  });
  send(message);
  await isKept;
}

async function answer(message: ToBatchProcess): Promise<void> {
  if (message.type === 'kept') return kept();
  if (message.type === 'task') {
    task = message;
    frames = await DirectFrames.open({
      memoryLimit: task.memoryLimit,
      temporaryDirectory: task.workDir,
      threads: task.threads,
    });
    const keep = {
      part: acknowledged,
      staged: (file: StagedFile) => acknowledged({ type: 'staged', ...file }),
    };
    const totalRows = await scoreFile(task, frames, keep, await pythonOf(task));
    send({ type: 'scored', totalRows });
    return;
  }
  if (!task || !frames) throw new Error('there is nothing to merge');
  const path = join(task.workDir, `predictions.${task.inputs.format}`);
  await mergeParts(frames, message.paths, task.inputs.format, path);
  send({ type: 'merged', path });
}

process.on('message', (message: ToBatchProcess) => {
  void answer(message).catch((error: unknown) => {
    if (error instanceof MillraceError)
      send({ type: 'failed', code: error.code, params: plainParams(error) });
    else send({ type: 'broken', message: errorMessage(error) });
  });
});
process.on('disconnect', () => process.exit(0));
// Ctrl-C reaches the whole process group; the worker decides when this process ends.
process.on('SIGINT', () => {});

/** Loaded only where a batch may need it. */
async function pythonOf({ python }: BatchTask) {
  if (!python) return null;
  const { PythonHost } = await import('../../../platform/python-runtime/index.ts');
  return new PythonHost({ ...python, logger: createLogger('batch', 'warn') });
}

function plainParams({ params }: MillraceError): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]));
}
