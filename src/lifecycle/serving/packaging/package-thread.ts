/** A thread that makes a package of a logged model; see package-in-thread.ts. */

import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '../../../core/error-message.ts';
import { MillraceError } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import { joinDirectoryBlobs } from '../../../platform/blobs/index.ts';
import { Frames } from '../../../platform/frames/index.ts';
import { createLogger } from '../../../platform/log/index.ts';
import { PythonHost } from '../../../platform/python-runtime/index.ts';
import { buildPackage } from './build-package.ts';
import type { PackageJob, PackageNews } from './package-in-thread.ts';

const tell = (news: PackageNews) => parentPort?.postMessage(news);
const { inputs, blobsDirectory, python, workDir } = workerData as PackageJob;

try {
  const host = new PythonHost({ ...python, logger: createLogger('serve', 'silent') });
  const { digest } = await buildPackage({ python: python.python, host: async () => host }, inputs, {
    stepRunId: uuidv7(),
    attempt: 1,
    subject: inputs.model,
    workDir,
    token: '',
    controlUrl: '',
    signal: new AbortController().signal,
    blobs: await joinDirectoryBlobs(blobsDirectory),
    frames: new Frames({ temporaryDirectory: workDir, memoryLimit: '256MB', threads: 1 }),
    log: (line) => tell({ line }),
  });
  tell({ digest });
} catch (error) {
  const code = error instanceof MillraceError ? error.code : ((error as NodeJS.ErrnoException).code ?? null);
  tell({ code, problem: errorMessage(error) });
}
