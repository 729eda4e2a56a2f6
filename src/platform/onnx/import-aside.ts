import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { fail } from '../../core/errors.ts';
import { installationDirectory } from '../../core/installation.ts';
import { type ImportedOnnx, type ImportOptions, importOnnx } from './import.ts';

/** What is read in less than some milliseconds is not worth a thread. */
const smallBytes = 2 * 1024 * 1024;

export interface ImportJob {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly options: ImportOptions;
}
export type ImportNews = { readonly imported: ImportedOnnx } | { readonly problem: string };

/**
 * Does as `importOnnx`, a large graph on a thread of its own: reading one of 60 MB takes 0.15 s of a processor. Throws
 * `onnx_invalid`.
 */
export async function importOnnxAside(bytes: Uint8Array, options: ImportOptions = {}): Promise<ImportedOnnx> {
  if (bytes.length <= smallBytes) return importOnnx(bytes, options);
  const file = join(installationDirectory, 'src/platform/onnx/import-thread.ts');
  // A copy, as the caller's bytes stay the caller's.
  const job: ImportJob = { bytes: new Uint8Array(bytes), options };
  const thread = new Worker(file, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    workerData: job,
    transferList: [job.bytes.buffer],
  });
  try {
    const news = await new Promise<ImportNews>((resolve, reject) => {
      thread.once('message', resolve);
      thread.once('error', reject);
      thread.once('exit', (code) => reject(new Error(`the thread that reads graphs ended with ${code}`)));
    });
    if ('problem' in news) throw fail('onnx_invalid', { problem: news.problem });
    return news.imported;
  } finally {
    await thread.terminate();
  }
}
