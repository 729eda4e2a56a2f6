import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { installationDirectory } from '../../../core/installation.ts';
import type { Digest } from '../../../core/json.ts';
import type { PythonHostOptions } from '../../../platform/python-runtime/index.ts';
import type { PackageInputs } from './package-step.ts';

/** What runs Python, as a thread can be told it. */
export type PythonSettings = Omit<PythonHostOptions, 'logger'>;

export interface PackageJob {
  readonly inputs: PackageInputs;
  /** A directory of blobs that has the model's files and gets what the package is made of. */
  readonly blobsDirectory: string;
  readonly python: PythonSettings;
  /** An empty directory of the job's own. */
  readonly workDir: string;
}

/** What the thread tells. */
export type PackageNews =
  | { readonly line: string }
  | { readonly digest: Digest }
  | { readonly code: string | null; readonly problem: string };

/** Why a model could not be packaged, with the code of the error, or of the system's, where it has one. */
export class NotPackaged extends Error {
  readonly code: string | null;

  constructor(code: string | null, problem: string) {
    super(problem);
    this.code = code;
  }
}

/**
 * Makes a package of a logged model, as `buildPackage` does, on a thread of its own: a server goes on answering
 * meanwhile. Throws `NotPackaged`.
 *
 * @param onLine gets what the work says of itself
 */
export async function packageInThread(
  job: Omit<PackageJob, 'workDir'>,
  onLine: (line: string) => void,
): Promise<Digest> {
  const workDir = await mkdtemp(join(tmpdir(), 'millrace-package-'));
  const file = join(installationDirectory, 'src/lifecycle/serving/packaging/package-thread.ts');
  let thread: Worker | null = null;
  try {
    const started = new Worker(file, {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      workerData: { ...job, workDir } satisfies PackageJob,
    });
    thread = started;
    return await new Promise<Digest>((resolve, reject) => {
      started.on('message', (news: PackageNews) => {
        if ('line' in news) onLine(news.line);
        else if ('digest' in news) resolve(news.digest);
        else reject(new NotPackaged(news.code, news.problem));
      });
      started.once('error', reject);
      started.once('exit', (code) => reject(new Error(`the thread that packages models ended with ${code}`)));
    });
  } finally {
    await thread?.terminate();
    await rm(workDir, { recursive: true, force: true });
  }
}
