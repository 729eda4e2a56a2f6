import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { errorMessage } from '../../core/error-message.ts';
import { fail } from '../../core/errors.ts';
import type { Digest } from '../../core/json.ts';
import type { PythonRuntime, SignatureField } from '../../core/model-package.ts';
import { boundedLines, type Logger } from '../log/index.ts';
import { type EnvironmentOptions, PythonEnvironments } from './environments.ts';
import { Owners } from './owners.ts';
import { PythonModel } from './python-model.ts';
import { pythonVariables } from './run-program.ts';
import { WorkerPool } from './worker-pool.ts';
import { WorkerProcess } from './worker-process.ts';

export interface PythonHostOptions extends Omit<EnvironmentOptions, 'directory'> {
  /** Keeps environments, and the files of loaded models. */
  readonly directory: string;
  /** Worker processes for each loaded model. */
  readonly workers: number;
  readonly memoryBytes: number;
  /** Time for one batch. */
  readonly timeoutMs: number;
  readonly logger: Logger;
}

/** A logged model to be run. */
interface PythonSource {
  readonly model: string;
  readonly version: string;
  readonly runtime: PythonRuntime;
  readonly inputs: readonly SignatureField[];
  /** Rows to warm each worker up with, their cells in the order of the inputs. */
  readonly sample: readonly (readonly unknown[])[];
  readonly bytesOf: (digest: Digest) => Promise<Uint8Array>;
  /** Instead of the host's number. */
  readonly workers?: number;
  /** Gets the lines of pip and of the workers; the log unless given. */
  readonly onLine?: (line: string) => void;
}

/** Importing a large library takes as long as this on a busy machine. */
const startTimeoutMs = 300_000;

/** Runs logged MLflow models in processes of Python. */
export class PythonHost {
  readonly #options: PythonHostOptions;
  readonly #environments: PythonEnvironments;
  readonly #owners: Owners;

  constructor(options: PythonHostOptions) {
    this.#options = options;
    const directory = join(options.directory, 'environments');
    this.#owners = new Owners(join(options.directory, 'processes'));
    this.#environments = new PythonEnvironments({ ...options, directory }, this.#owners);
  }

  /** Worker processes for each loaded model. */
  get workers(): number {
    return this.#options.workers;
  }

  /** Time for one batch. */
  get timeoutMs(): number {
    return this.#options.timeoutMs;
  }

  /**
   * Finds or builds the model's environment, starts its workers, and has each predict the sample once. Throws
   * `python_missing`, `python_environment_failed`, and `python_start_failed` when the model cannot be loaded or
   * fails on its own sample.
   */
  async open(source: PythonSource): Promise<PythonModel> {
    const { runtime, model, version, inputs } = source;
    const { logger, timeoutMs, memoryBytes } = this.#options;
    const onLine = source.onLine ?? ((line) => logger.info({ model, version }, line));
    const directory = await this.#lay(source);
    const clean = () => this.#remove(directory);
    const python = await this.#environments
      .interpreterFor({ ...runtime, directory }, onLine)
      .catch(async (error: unknown) => {
        await clean();
        throw error;
      });
    const size = source.workers ?? this.#options.workers;
    const threads = String(Math.max(1, Math.floor(availableParallelism() / size)));
    const described: Record<string, unknown>[] = [];
    const onWorkerLine = boundedLines(onLine);
    const warm = PythonModel.request(inputs, source.sample);
    const start = async (): Promise<WorkerProcess> => {
      const environment = {
        OMP_NUM_THREADS: threads,
        OPENBLAS_NUM_THREADS: threads,
        GIT_PYTHON_REFRESH: 'quiet',
      };
      const worker = new WorkerProcess({
        python,
        environment: { ...environment, ...pythonVariables() },
        workingDirectory: directory,
        memoryBytes,
        onLine: onWorkerLine,
      });
      try {
        const load = { op: 'load', model: directory, inputs, memoryBytes };
        const { header } = await worker.request(load, new Uint8Array(), startTimeoutMs);
        if (header.ok !== true) throw new Error(`${header.type}: ${header.message}`);
        described.push(header);
        if (source.sample.length > 0) {
          const { header: warmed } = await worker.request(warm.header, warm.body, startTimeoutMs);
          const onlyStreams = header.streams === true && warmed.type === 'NotImplementedError';
          if (warmed.ok !== true && !onlyStreams)
            throw new Error(`on its own sample: ${warmed.type}: ${warmed.message}`);
        }
        await worker.watchMemory();
        return worker;
      } catch (cause) {
        worker.end('it did not start');
        const problem = errorMessage(cause);
        throw fail('python_start_failed', { model, version, problem }, cause);
      }
    };
    try {
      const pool = await WorkerPool.open({ size, start, timeoutMs, model, version, logger });
      return new PythonModel({ pool, inputs, described: described[0] ?? {}, onClose: clean });
    } catch (error) {
      await clean();
      throw error;
    }
  }

  /** The model holds this host by it: the name of the process, which keeps its files, is held as long as the host is. */
  #remove(directory: string): Promise<void> {
    return rm(directory, { recursive: true, force: true });
  }

  /** Lays the files of the model out as they were logged; those of processes that ended are removed. */
  async #lay({ runtime, bytesOf }: PythonSource): Promise<string> {
    const models = join(this.#options.directory, 'models');
    const own = await this.#owners.own();
    await mkdir(models, { recursive: true });
    for (const name of await readdir(models)) {
      if (!this.#owners.isAlive(name.split('_')[0] ?? ''))
        await rm(join(models, name), { recursive: true, force: true });
    }
    await this.#owners.sweep();
    const directory = join(models, `${own}_${randomUUID()}`);
    for (const { path, digest } of runtime.files) {
      const target = join(directory, path);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, await bytesOf(digest));
    }
    return directory;
  }
}
