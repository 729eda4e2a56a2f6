import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openDirectoryBlobs } from '../../../platform/blobs/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import type { Registry } from '../../../platform/metrics/index.ts';
import type { PythonHost } from '../../../platform/python-runtime/index.ts';
import type { SegmentFrames } from '../../../platform/segments/index.ts';
import { followKeyFile } from '../keys/key-file.ts';
import { KeyRing } from '../keys/key-ring.ts';
import type { PythonSettings } from '../packaging/package-in-thread.ts';
import { PackageLoader } from '../plane/package-loader.ts';
import { Plane } from '../plane/plane.ts';
import { planeMetrics } from '../plane/plane-metrics.ts';
import { PredictionLogs, type PredictionLogsOptions } from '../plane/prediction-logs.ts';
import type { ReplicaOptions } from '../plane/replica.ts';
import { KeptSegments } from './kept-segments.ts';
import { RepositoryModels } from './model-repository.ts';

export interface StandaloneOptions {
  /** The repository. */
  readonly repository: string;
  /** Keeps blobs/, log/ and predictions/. */
  readonly directory: string;
  /** How often the repository is looked at; 0: at the start alone. */
  readonly pollMs: number;
  /** Models to load at the start; null: all, and those that change later. */
  readonly loadOnly: readonly string[] | null;
  /** File of the keys that open the models; with it they ask for one. Left out: nobody needs a key. */
  readonly keyFile?: string | undefined;
  /** Size of the prediction log that is kept. */
  readonly keptLogBytes: number;
  /** What runs models of MLflow that have no form in ONNX, and packages them; null: they are not served. */
  readonly python?: { readonly host: PythonHost; readonly settings: PythonSettings } | null;
  readonly frames: SegmentFrames;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly segmentLimits?: PredictionLogsOptions['limits'];
  /** How the log is written; see PredictionLogsOptions. */
  readonly log?: ReplicaOptions['log'];
}

/** Without control nobody waits for the log: its parts may be longer than those that are sent. */
const defaultLimits = { maxRows: 200_000, maxSizeBytes: 64 * 1024 * 1024, maxAgeMs: 60_000 } as const;

/** The serve role without control: a data plane whose models come from a folder. */
export class Standalone {
  readonly plane: Plane;
  readonly repository: RepositoryModels;
  readonly keyRing: KeyRing;
  readonly #loader: PackageLoader;
  readonly #logs: PredictionLogs;
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | null = null;
  #endKeys: (() => void) | null = null;
  #ready = false;
  #closing: Promise<void> | null = null;

  private constructor(
    plane: Plane,
    repository: RepositoryModels,
    loader: PackageLoader,
    logs: PredictionLogs,
    { logger, keyFile }: StandaloneOptions,
  ) {
    this.plane = plane;
    this.repository = repository;
    this.keyRing = new KeyRing({ guardsChanges: keyFile !== undefined });
    if (keyFile !== undefined) this.#endKeys = followKeyFile(keyFile, this.keyRing, logger);
    this.#loader = loader;
    this.#logs = logs;
    this.#logger = logger;
  }

  /**
   * Recovers the prediction log and begins to load the models; `ready` tells when each was tried. Throws
   * `key_file_unreadable`.
   */
  static async open(options: StandaloneOptions): Promise<Standalone> {
    const { directory, frames, logger } = options;
    await mkdir(directory, { recursive: true });
    const kept = await KeptSegments.open(join(directory, 'predictions'), options.keptLogBytes, (path) =>
      logger.debug({ path }, 'oldest part of the prediction log removed: it has its size'),
    );
    const logs = await PredictionLogs.open({
      ...options.log,
      directory: join(directory, 'log'),
      frames,
      logger,
      ship: kept.keep,
      limits: options.segmentLimits ?? defaultLimits,
    });
    const blobsDirectory = join(directory, 'blobs');
    const blobs = await openDirectoryBlobs(blobsDirectory);
    const python = options.python ?? null;
    const away = () => Promise.reject(new Error('there is no control'));
    const loader = new PackageLoader(blobs, away, { python: python?.host ?? null }, logger);
    const plane = new Plane(logs, planeMetrics(options.metrics));
    const repository = new RepositoryModels({
      directory: options.repository,
      plane,
      loader,
      blobs,
      logger,
      requireKey: options.keyFile !== undefined,
      mlflow: python && {
        python: python.settings,
        blobs,
        blobsDirectory,
        logger,
        directory: join(directory, 'packaged'),
      },
    });
    const standalone = new Standalone(plane, repository, loader, logs, options);
    standalone.#follow(options);
    return standalone;
  }

  /** True once every model that is to be loaded was tried: it is in service, or the index tells why not. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Stops looking at the repository, closes the models and seals the log; what is not in predictions/ then gets there after the next start. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#endKeys?.();
    if (this.#timer) clearTimeout(this.#timer);
    await this.repository.settled();
    await this.plane.shadowsDrained();
    await this.#loader.close();
    await this.#logs.close();
  }

  #follow({ pollMs, loadOnly }: StandaloneOptions): void {
    const look = async (): Promise<void> => {
      // Where the models to load are named, later changes are loaded by request alone.
      const loads = (name: string) => loadOnly === null || (!this.#ready && loadOnly.includes(name));
      try {
        await this.repository.poll(loads);
        this.#ready = true;
      } catch (error) {
        this.#logger.error({ err: error }, 'the repository cannot be read');
      }
      if (this.#closing || pollMs === 0) return;
      this.#timer = setTimeout(() => void look(), pollMs);
      this.#timer.unref();
    };
    void look();
  }
}
