/** A thread that imports one graph; see import-aside.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { MillraceError } from '../../core/errors.ts';
import { importOnnx } from './import.ts';
import type { ImportJob, ImportNews } from './import-aside.ts';

const { bytes, options } = workerData as ImportJob;
try {
  const imported = importOnnx(bytes, options);
  parentPort?.postMessage({ imported } satisfies ImportNews, [imported.bytes.buffer as ArrayBuffer]);
} catch (error) {
  if (!(error instanceof MillraceError)) throw error;
  parentPort?.postMessage({ problem: String(error.params.problem) } satisfies ImportNews);
}
