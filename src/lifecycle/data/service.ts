import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fail } from '../../core/errors.ts';
import { uuidv7 } from '../../core/ids.ts';
import { type Digest, digestOfJson } from '../../core/json.ts';
import { type Clock, formatTime, wallClock } from '../../core/time.ts';
import { type Actor, authorize } from '../../platform/access/index.ts';
import type { BlobInfo, DirectoryBlobStore } from '../../platform/blobs/index.ts';
import type { Database } from '../../platform/db/index.ts';
import { type Frames, sqlLiteral, sqlName } from '../../platform/frames/index.ts';
import type { Journal } from '../../platform/journal/index.ts';
import { checkContract } from './check-contract.ts';
import { type StoredColumn, timeMsSql } from './columns.ts';
import {
  type ContractCheck,
  type ContractCheckRequest,
  DATASET_VERSION_REGISTERED,
  type Dataset,
  type DatasetVersion,
  type DatasetVersionRegistered,
  type DatasetVersionSummary,
  type RegisterDatasetRequest,
  type RegisterDatasetResponse,
  type TimeSplit,
} from './contract.ts';
import { digestFile, formatOf, importDataset, type SourceFile } from './import-dataset.ts';
import { inferContract, wantsCategories } from './infer-contract.ts';
import { distinctValues, profileColumns, timeRangeOf } from './profile-columns.ts';
import { sampleRows } from './sample-rows.ts';
import { DataStore } from './store.ts';
import { timeSplit } from './time-split.ts';

export interface DataServiceOptions {
  readonly db: Database;
  readonly journal: Journal;
  readonly blobs: DirectoryBlobStore;
  readonly frames: Frames;
  /** For copies under way; they are removed again. */
  readonly temporaryDirectory: string;
  readonly clock?: Clock;
}

/** One side of a split as a Parquet blob of its own. */
export interface SplitPart extends BlobInfo {
  readonly rows: number;
}

/** Dataset versions: registered once, never changed, profiled, split by time, with a contract inferred. */
export class DataService {
  readonly #options: DataServiceOptions;
  readonly #store: DataStore;
  readonly #clock: Clock;

  constructor(options: DataServiceOptions) {
    this.#options = options;
    this.#store = new DataStore(options.db);
    this.#clock = options.clock ?? wallClock;
  }

  /**
   * Registers what a file or blob holds. The same bytes with the same roles under the same dataset name give the
   * version that exists. Throws `dataset_unreadable`, `dataset_empty`, `column_unknown`, `column_type`,
   * `blob_missing`.
   */
  async register(actor: Actor, request: RegisterDatasetRequest): Promise<RegisterDatasetResponse> {
    authorize(actor, 'data:write');
    const { file, digest } = await this.#source(request);
    const { dataset, time, entity, label, csv } = request;
    const contentKey = digestOfJson({ source: digest, format: file.format, time, entity, label, csv });
    const known = await this.#store.byContent(dataset, contentKey);
    if (known) return { created: false, version: known };
    const draft = await this.#examine(actor, request, file, digest);
    const { db, journal } = this.#options;
    const created = await db.write(async (tx) => {
      const number = await this.#store.nextVersion(tx, dataset);
      const version = { ...draft, version: number, contract: { ...draft.contract, datasetVersion: number } };
      if (!(await this.#store.insert(tx, contentKey, version))) return false;
      const subject = { kind: 'dataset-version', id: version.id };
      const data: DatasetVersionRegistered = {
        dataset,
        version: number,
        digest: version.digest,
        rows: version.rows,
      };
      await journal.appendEvent(tx, { type: DATASET_VERSION_REGISTERED, subject, data });
      const reason = `registered from ${file.name}`;
      await journal.appendAudit(tx, { actor, action: 'data:register', subject, after: data, reason });
      return true;
    });
    const version = await this.#store.byContent(dataset, contentKey);
    if (!version) throw new Error('the registered version is gone');
    return { created, version };
  }

  /** Throws `not_found`. */
  async version(actor: Actor, id: string): Promise<DatasetVersion> {
    authorize(actor, 'read');
    const version = await this.#store.byId(id);
    if (!version) throw fail('not_found', { kind: 'dataset version', id, list: '/api/v1/dataset-versions' });
    return version;
  }

  /** Versions (of one dataset, if named), newest first. */
  async versions(
    actor: Actor,
    filter: {
      readonly dataset?: string | undefined;
      readonly limit: number;
      readonly afterId?: string | undefined;
    },
  ): Promise<readonly DatasetVersionSummary[]> {
    authorize(actor, 'read');
    return this.#store.versions(filter.dataset, filter.limit, filter.afterId);
  }

  /** Datasets by name, each with its newest version. */
  async datasets(actor: Actor, limit: number, afterName?: string): Promise<readonly Dataset[]> {
    authorize(actor, 'read');
    return this.#store.datasets(limit, afterName);
  }

  /** See `timeSplit`. Throws `dataset_untimed` where there is no time column. */
  async split(actor: Actor, id: string, holdoutRatio: number): Promise<TimeSplit> {
    const { version, path, time } = await this.#timed(actor, id);
    return timeSplit(this.#options.frames, path, version.dataset, time, holdoutRatio);
  }

  /** Both sides of a split as Parquet blobs in time order; the same split again gives the same blobs. */
  async splitParts(
    actor: Actor,
    id: string,
    holdoutRatio: number,
  ): Promise<{ readonly split: TimeSplit; readonly train: SplitPart; readonly holdout: SplitPart }> {
    const { version, path, time } = await this.#timed(actor, id);
    const split = await timeSplit(this.#options.frames, path, version.dataset, time, holdoutRatio);
    const ms = timeMsSql(sqlName(time.name), time.storedType);
    const train = await this.#part(path, `${ms} < ${split.boundaryMs}`);
    const holdout = await this.#part(path, `${ms} >= ${split.boundaryMs}`);
    return {
      split,
      train: { ...train, rows: split.trainRows },
      holdout: { ...holdout, rows: split.holdoutRows },
    };
  }

  /** Whether columns that somebody wants are there with types that fit; each problem says what to do. */
  async check(actor: Actor, id: string, columns: ContractCheckRequest['columns']): Promise<ContractCheck> {
    const version = await this.version(actor, id);
    return checkContract(version.contract, columns);
  }

  /** Throws `contract_broken`, with every problem in its message, unless the columns fit. */
  async requireFit(
    actor: Actor,
    id: string,
    subject: string,
    columns: ContractCheckRequest['columns'],
  ): Promise<void> {
    const { dataset, version, contract } = await this.version(actor, id);
    const { fits, problems } = checkContract(contract, columns);
    if (fits) return;
    throw fail('contract_broken', {
      subject,
      dataset,
      version,
      problems: problems.map((problem) => problem.message).join(' '),
    });
  }

  async #source(request: RegisterDatasetRequest): Promise<{ file: SourceFile; digest: Digest }> {
    const { source } = request;
    if ('digest' in source) {
      const digest = source.digest;
      const path = await this.#options.blobs.path(digest);
      const format = source.format ?? (await formatOf(path, digest));
      return { file: { path, name: digest, format }, digest };
    }
    const path = resolve(source.path);
    const digest = await digestFile(path, path);
    return { file: { path, name: path, format: source.format ?? (await formatOf(path, path)) }, digest };
  }

  async #examine(
    actor: Actor,
    request: RegisterDatasetRequest,
    file: SourceFile,
    sourceDigest: Digest,
  ): Promise<DatasetVersion> {
    const { frames, blobs, temporaryDirectory } = this.#options;
    const { blob, path, rows, columns } = await importDataset(
      frames,
      blobs,
      temporaryDirectory,
      file,
      request,
    );
    const profile = await profileColumns(frames, path, rows, columns);
    const categories = new Map<string, readonly string[]>();
    for (const column of profile.filter(wantsCategories)) {
      categories.set(column.name, await distinctValues(frames, path, column.name));
    }
    const roles = {
      time: request.time ?? null,
      entity: request.entity ?? null,
      label: request.label ?? null,
    };
    const time = columns.find((column) => column.name === request.time);
    const range = time && (await timeRangeOf(frames, `read_parquet(${sqlLiteral(path)})`, time));
    const nowMs = this.#clock.nowMs();
    return {
      id: uuidv7(nowMs),
      dataset: request.dataset,
      version: 1,
      digest: blob.digest,
      sizeBytes: blob.sizeBytes,
      sourceDigest,
      source: file.name,
      format: file.format,
      rows,
      columns: columns.map(({ name, type }) => ({ name, type })),
      ...roles,
      timeRange: range ? { min: formatTime(range.minMs), max: formatTime(range.maxMs) } : null,
      registeredAt: formatTime(nowMs),
      registeredBy: `${actor.kind}:${actor.id}`,
      profile: [...profile],
      contract: inferContract({ dataset: request.dataset, version: 1, rows, ...roles }, profile, categories),
      sample: await sampleRows(frames, path, columns),
    };
  }

  async #timed(
    actor: Actor,
    id: string,
  ): Promise<{ version: DatasetVersion; path: string; time: StoredColumn }> {
    const version = await this.version(actor, id);
    const profile = version.profile.find((column) => column.name === version.time);
    if (!profile) throw fail('dataset_untimed', { version: version.version, dataset: version.dataset });
    const path = await this.#options.blobs.path(version.digest);
    return { version, path, time: profile };
  }

  async #part(path: string, where: string): Promise<BlobInfo> {
    const { frames, blobs, temporaryDirectory } = this.#options;
    const target = join(temporaryDirectory, `split-${uuidv7()}.parquet`);
    try {
      const select = `SELECT * FROM read_parquet(${sqlLiteral(path)}) WHERE ${where}`;
      await frames.query(`COPY (${select}) TO ${sqlLiteral(target)} (FORMAT parquet, COMPRESSION zstd)`);
      return await blobs.put(createReadStream(target));
    } finally {
      await rm(target, { force: true });
    }
  }
}
