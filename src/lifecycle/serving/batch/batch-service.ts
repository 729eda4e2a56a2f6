import { z } from 'zod';
import { fail } from '../../../core/errors.ts';
import type { Digest } from '../../../core/json.ts';
import { digestSchema } from '../../../core/model-package.ts';
import { type Clock, parseTime, wallClock } from '../../../core/time.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { BlobStore } from '../../../platform/blobs/index.ts';
import type { Database, Tx } from '../../../platform/db/index.ts';
import type { Journal } from '../../../platform/journal/index.ts';
import type { Endpoint, PredictionSegment } from '../contract.ts';
import {
  type BatchInputs,
  type BatchLogPolicy,
  type BatchPart,
  type BatchPrediction,
  batchInputsSchema,
  batchOutputsSchema,
  type CreateBatchPrediction,
  createBatchPredictionSchema,
  type DeletedBatch,
  type StagedInput,
} from './contract.ts';
import { type BatchProgress, BatchStore } from './store.ts';

/** A step run, as far as a batch needs it. */
export interface BatchStepRun {
  readonly id: string;
  readonly kind: string;
  readonly status: BatchPrediction['status'];
  readonly inputs: unknown;
  readonly outputs: unknown;
  readonly error: BatchPrediction['error'];
  readonly attempts: number;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}

/** What batches need of the other parts. */
export interface BatchPorts {
  /** Enqueues a step in the transaction and gives its id; of a key that was used before, the first one's. */
  readonly start: (
    tx: Tx,
    step: { kind: string; inputs: unknown; subject: string; key?: string },
  ) => Promise<string>;
  /** undefined: there is none. */
  readonly stepRun: (id: string) => Promise<BatchStepRun | undefined>;
  /** Batches, newest first. */
  readonly stepRuns: (page: {
    readonly limit: number;
    readonly afterId: string | undefined;
  }) => Promise<readonly BatchStepRun[]>;
  readonly cancel: (tx: Tx, id: string, reason: string) => Promise<void>;
  /** Removes a step that has ended, and what it read of a log; throws for one that has not. */
  readonly remove: (tx: Tx, id: string) => Promise<void>;
  /** Deletes those of these files that nothing uses any more; how many. */
  readonly deleteUnused: (digests: readonly Digest[]) => Promise<number>;
  /** Whether a step runs and nobody has asked to stop it; if so, that stays so until the transaction is over. */
  readonly holdRunning: (tx: Tx, id: string) => Promise<boolean>;
  /** Tells that a step has got on, so that it may lose more workers. */
  readonly noteProgress: (tx: Tx, id: string) => Promise<void>;
  readonly endpoint: (name: string) => Promise<Endpoint>;
  /** The package of a registered version; throws where it has none. */
  readonly packageOf: (model: string, version: number) => Promise<Digest>;
  readonly dataset: (id: string) => Promise<{ readonly digest: Digest; readonly name: string }>;
  /** Makes sure that something is logged in a span of event time. Throws `replay_empty`, `invalid_input`. */
  readonly requireLogged: (window: BatchWindow) => Promise<void>;
  /**
   * What an endpoint answered in a span of event time as a Parquet blob, the same one for a step whenever it asks; null:
   * it is being written. Throws `replay_empty`, `logged_features_unusable`.
   */
  readonly window: (stepId: string, window: BatchWindow, packageDigest: Digest) => Promise<Digest | null>;
  /** The windows of those of these steps that have one by now. */
  readonly windowsOf: (stepIds: readonly string[]) => Promise<ReadonlyMap<string, Digest>>;
  /** @param along is done in the same transaction, also for a segment that is registered already */
  readonly registerSegment: (segment: PredictionSegment, along: (tx: Tx) => Promise<void>) => Promise<void>;
  /** What hides values in prediction logs; see `entityInLog`. */
  readonly logHashKey: () => string;
}

/** A span of event time in the log of an endpoint: [fromMs, toMs). */
type BatchWindow = NonNullable<BatchInputs['source']['window']>;

const kind = 'batch-predict';
/** Kinds of steps that score rows in parts. */
const kindsWithParts = [kind, 'replay'];

/** Batch predictions: which model scores which rows is settled when one is asked for; a step does the work. */
export class BatchService {
  readonly #db: Database;
  readonly #journal: Journal;
  readonly #blobs: BlobStore;
  readonly #ports: BatchPorts;
  readonly #store: BatchStore;
  readonly #clock: Clock;

  constructor(options: {
    readonly db: Database;
    readonly journal: Journal;
    readonly blobs: BlobStore;
    readonly ports: BatchPorts;
    readonly clock?: Clock;
  }) {
    this.#db = options.db;
    this.#journal = options.journal;
    this.#blobs = options.blobs;
    this.#ports = options.ports;
    this.#store = new BatchStore(options.db);
    this.#clock = options.clock ?? wallClock;
  }

  /**
   * Begins a batch. Throws `not_found` for an endpoint, version or dataset, `endpoint_no_champion`, `blob_missing`,
   * `version_not_packaged`, `invalid_time`, `invalid_input`, `replay_empty`.
   */
  async create(actor: Actor, input: CreateBatchPrediction): Promise<BatchPrediction> {
    authorize(actor, 'serving:write');
    const asked = createBatchPredictionSchema.parse(input);
    const target = await this.#target(asked.target);
    if (asked.log && target.endpoint === null) {
      const problem = 'only rows scored for an endpoint have a prediction log to go into';
      throw fail('invalid_input', { field: 'log', problem });
    }
    if (asked.log && 'log' in asked.source) {
      const problem =
        'rows of a log are in it already: logged again they would take the place of what was answered';
      throw fail('invalid_input', { field: 'log', problem });
    }
    const inputs: BatchInputs = batchInputsSchema.parse({
      ...target,
      source: await this.#source(asked.source),
      format: asked.format,
      keep: asked.keep,
      log: asked.log,
      requestedAtMs: this.#clock.nowMs(),
    });
    const subject = `${inputs.model}/${inputs.modelVersion}`;
    const id = await this.#db.write(async (tx) => {
      const stepId = await this.#ports.start(tx, { kind, inputs, subject });
      await this.#journal.appendAudit(tx, {
        actor,
        action: 'batch-prediction:create',
        subject: { kind: 'batch-prediction', id: stepId },
        after: { model: subject, endpoint: inputs.endpoint, source: inputs.source.name, log: inputs.log },
        reason: 'asked for',
      });
      return stepId;
    });
    return this.get(actor, id);
  }

  /** Throws `not_found`. */
  async get(actor: Actor, id: string): Promise<BatchPrediction> {
    authorize(actor, 'read');
    const run = await this.#known(id);
    return toResource(run, await this.#store.progress([id]));
  }

  async list(
    actor: Actor,
    page: { readonly limit: number; readonly afterId: string | undefined },
  ): Promise<readonly BatchPrediction[]> {
    authorize(actor, 'read');
    const runs = await this.#ports.stepRuns(page);
    const progress = await this.#store.progress(runs.map((run) => run.id));
    return runs.map((run) => toResource(run, progress));
  }

  /** The files of batches over a log: finished parts and outputs, and windows of it of earlier versions. */
  async logFiles(): Promise<readonly Digest[]> {
    const digests: Digest[] = [];
    for (const run of await this.#ports.stepRuns({ limit: Number.MAX_SAFE_INTEGER, afterId: undefined })) {
      const { source } = batchInputsSchema.parse(run.inputs);
      if (source.kind !== 'log') continue;
      const parts = await this.#store.parts(run.id);
      digests.push(...source.digests, ...parts.map(({ digest }) => digest));
      if (run.outputs !== null) digests.push(batchOutputsSchema.parse(run.outputs).digest);
    }
    return digests;
  }

  /** Stops a batch; one that has ended stays as it is. */
  async cancel(actor: Actor, id: string, reason: string): Promise<BatchPrediction> {
    authorize(actor, 'serving:write');
    await this.#known(id);
    await this.#db.write(async (tx) => {
      await this.#ports.cancel(tx, id, reason);
      const subject = { kind: 'batch-prediction', id };
      await this.#journal.appendAudit(tx, { actor, action: 'batch-prediction:cancel', subject, reason });
    });
    return this.get(actor, id);
  }

  /**
   * Deletes a batch that has ended, with its output and parts, unless something else uses the same files. What it was asked
   * to read was stored by others and stays; so do rows that it logged. Throws `not_found`, `batch_under_way`.
   */
  async delete(actor: Actor, id: string, reason: string): Promise<DeletedBatch> {
    authorize(actor, 'serving:write');
    const { status, inputs, outputs } = await this.#known(id);
    const path = `/api/v1/batch-predictions/${id}`;
    if (status === 'queued' || status === 'running')
      throw fail('batch_under_way', { what: 'batch prediction', id, status, path });
    const { model, modelVersion, endpoint, source, log } = batchInputsSchema.parse(inputs);
    const output = outputs === null ? [] : [batchOutputsSchema.parse(outputs).digest];
    const parts = (await this.#store.parts(id)).map(({ digest }) => digest);
    const window = [...(await this.#ports.windowsOf([id])).values()];
    const read = source.kind === 'log' ? source.digests : [];
    const staged = await this.#store.staged(id);
    await this.#db.write(async (tx) => {
      await this.#ports.remove(tx, id);
      await this.#store.remove(tx, id);
      await this.#journal.appendAudit(tx, {
        actor,
        action: 'batch-prediction:delete',
        subject: { kind: 'batch-prediction', id },
        before: { model: `${model}/${modelVersion}`, endpoint, source: source.name, log, status },
        reason,
      });
    });
    return {
      id,
      files: await this.#ports.deleteUnused([
        ...output,
        ...parts,
        ...window,
        ...read,
        ...(staged ? [staged.digest] : []),
      ]),
    };
  }

  /** Forgets the parts of a step; their files are the caller's. */
  async removeParts(tx: Tx, id: string): Promise<void> {
    await this.#store.remove(tx, id);
  }

  /**
   * Goes on with a batch that failed or was cancelled: a new one with the same input and the finished parts. Asked
   * again, the answer is the same batch. Throws `not_found`, `batch_not_stopped`, `batch_rows_gone`.
   */
  async resume(actor: Actor, id: string, reason: string): Promise<BatchPrediction> {
    authorize(actor, 'serving:write');
    const run = await this.#known(id);
    if (run.status !== 'failed' && run.status !== 'cancelled')
      throw fail('batch_not_stopped', { id, status: run.status });
    const given = batchInputsSchema.parse(run.inputs);
    // Its parts are of the rows that it read: so are the others.
    const window = (await this.#ports.windowsOf([id])).get(id);
    const source = window ? { ...given.source, digests: [window] } : given.source;
    if (source.kind === 'log') await this.#requireRows(id, source.digests);
    const inputs: BatchInputs = { ...given, source, resumes: id };
    const resumedId = await this.#db.write(async (tx) => {
      const step = { kind, inputs, subject: `${inputs.model}/${inputs.modelVersion}`, key: `resume/${id}` };
      const stepId = await this.#ports.start(tx, step);
      await this.#store.copyParts(tx, id, stepId);
      await this.#journal.appendAudit(tx, {
        actor,
        action: 'batch-prediction:resume',
        subject: { kind: 'batch-prediction', id },
        after: { as: stepId },
        reason,
      });
      return stepId;
    });
    return this.get(actor, resumedId);
  }

  /** The digest and file name of a finished batch's output. Throws `batch_unfinished`, `batch_output_gone`. */
  async output(
    actor: Actor,
    id: string,
  ): Promise<{ readonly digest: Digest; readonly name: string; readonly format: string }> {
    authorize(actor, 'read');
    const { output, status, format } = await this.get(actor, id);
    if (!output) throw fail('batch_unfinished', { id, status });
    const { digest } = output;
    if (!(await this.#blobs.info(digest))) throw fail('batch_output_gone', { id, digest });
    return { digest, name: `predictions-${id}.${format}`, format };
  }

  /** How far batches, and other steps that score rows in parts, are; those without a part are left out. */
  async progress(actor: Actor, ids: readonly string[]): Promise<ReadonlyMap<string, BatchProgress>> {
    authorize(actor, 'read');
    return this.#store.progress(ids);
  }

  /** The finished parts, for the step that goes on with it. */
  async parts(actor: Actor, id: string): Promise<readonly BatchPart[]> {
    authorize(actor, 'read');
    return this.#store.parts(id);
  }

  /** The CSV file of a batch as an earlier attempt read it; null: it has none. */
  async staged(actor: Actor, id: string): Promise<StagedInput | null> {
    authorize(actor, 'read');
    return this.#store.staged(id);
  }

  /**
   * Keeps the CSV file of a batch as its step has read it, for its next attempts. Throws `forbidden`, `blob_missing`,
   * `batch_not_running`.
   */
  async keepStaged(actor: Actor, id: string, staged: StagedInput): Promise<void> {
    await this.#requireStep(actor, id, [kind]);
    if (!(await this.#blobs.info(staged.digest))) throw fail('blob_missing', { digest: staged.digest });
    await this.#db.write(async (tx) => {
      if (!(await this.#ports.holdRunning(tx, id)))
        throw fail('batch_not_running', { id, status: 'cancelled' });
      await this.#store.keepStaged(tx, id, staged);
    });
  }

  /** Deletes that file when all its rows have their parts. Throws `forbidden`, `batch_not_running`. */
  async dropStaged(actor: Actor, id: string): Promise<void> {
    await this.#requireStep(actor, id, [kind]);
    const staged = await this.#store.staged(id);
    if (!staged) return;
    await this.#db.write((tx) => this.#store.removeStaged(tx, id));
    if (!(await this.#store.isStaged(staged.digest))) await this.#blobs.delete(staged.digest);
  }

  /** Makes sure that a step runs and asks for itself, or somebody who may do it. */
  async #requireStep(actor: Actor, id: string, kinds: readonly string[]): Promise<BatchStepRun> {
    const isItsStep = actor.kind === 'job' && actor.id === id;
    if (!isItsStep) authorize(actor, 'serving:write');
    const run = await this.#known(id, kinds);
    if (run.status !== 'running') throw fail('batch_not_running', { id, status: run.status });
    return run;
  }

  /**
   * What the step of a batch over a log, or of a replay, reads; null while it is being written. Throws `forbidden`,
   * `batch_not_running`, `replay_empty`, `logged_features_unusable`.
   */
  async window(actor: Actor, id: string): Promise<Digest | null> {
    const run = await this.#requireStep(actor, id, kindsWithParts);
    const { packageDigest, ...window } = windowOf(run);
    return this.#ports.window(id, window, packageDigest);
  }

  /**
   * What of its rows the step of a batch may write into the endpoint's log, as the endpoint is now. It has the
   * deployment's key, so nobody else is told. Throws `forbidden`.
   */
  async logPolicy(actor: Actor, id: string): Promise<BatchLogPolicy> {
    authorize(actor, 'read');
    if (actor.kind !== 'job' || actor.id !== id)
      throw fail('forbidden', {
        actor: actor.id,
        permission: `read this: it is for the step of batch ${id} alone`,
      });
    const inputs = batchInputsSchema.parse((await this.#known(id)).inputs);
    if (inputs.endpoint === null)
      throw fail('invalid_input', { field: 'id', problem: 'this batch has no prediction log' });
    const { entityFeature, options } = await this.#ports.endpoint(inputs.endpoint);
    const { payloadShare, redact, hash } = options.log;
    const key = hash.length > 0 ? this.#ports.logHashKey() : '';
    return { entityFeature, payloadShare, redact, hash, key };
  }

  /** Keeps a finished part, and registers its rows in the prediction log; the same part again changes nothing. */
  async keepPart(actor: Actor, id: string, part: BatchPart): Promise<void> {
    const run = await this.#requireStep(actor, id, kindsWithParts);
    const endpoint = run.kind === kind ? batchInputsSchema.parse(run.inputs).endpoint : null;
    if (!(await this.#blobs.info(part.digest))) throw fail('blob_missing', { digest: part.digest });
    // Both or neither, and nothing behind a cancellation that the worker has not heard of yet: who resumes the batch
    // logs the rows of a part that it does not find.
    const insert = async (tx: Tx): Promise<void> => {
      if (!(await this.#ports.holdRunning(tx, id)))
        throw fail('batch_not_running', { id, status: 'cancelled' });
      if (await this.#store.insert(tx, id, part, this.#clock.nowMs())) await this.#ports.noteProgress(tx, id);
    };
    if (!part.log || endpoint === null) return this.#db.write(insert);
    await this.#ports.registerSegment(
      { id: `batch-${id}-${part.part}`, replicaId: 'batch', endpoint, rows: part.rows, ...part.log },
      insert,
    );
  }

  /** Makes sure that what a batch read of a log, and made of it, is there: an erasure deletes that. */
  async #requireRows(id: string, read: readonly Digest[]): Promise<void> {
    const made = (await this.#store.parts(id)).map(({ digest }) => digest);
    for (const digest of [...read, ...made])
      if (!(await this.#blobs.info(digest))) throw fail('batch_rows_gone', { what: 'batch prediction', id });
  }

  async #known(id: string, kinds: readonly string[] = [kind]): Promise<BatchStepRun> {
    const run = await this.#ports.stepRun(id);
    if (!run || !kinds.includes(run.kind))
      throw fail('not_found', { kind: 'batch prediction', id, list: '/api/v1/batch-predictions' });
    return run;
  }

  async #target(target: ReturnType<typeof createBatchPredictionSchema.parse>['target']) {
    if ('endpoint' in target) {
      const endpoint = await this.#ports.endpoint(target.endpoint);
      const champion = endpoint.arms.find((arm) => arm.arm === 'champion');
      if (!champion) throw fail('endpoint_no_champion', { endpoint: endpoint.name });
      return {
        model: endpoint.model,
        modelVersion: champion.modelVersion,
        packageDigest: champion.packageDigest,
        endpoint: endpoint.name,
        routeVersion: endpoint.routeVersion,
        entityFeature: endpoint.entityFeature,
        eventTimeFeature: endpoint.eventTimeFeature,
      };
    }
    return {
      model: target.model,
      modelVersion: String(target.version),
      packageDigest: await this.#ports.packageOf(target.model, target.version),
      endpoint: null,
      routeVersion: 0,
      entityFeature: null,
      eventTimeFeature: null,
    };
  }

  async #source(
    source: ReturnType<typeof createBatchPredictionSchema.parse>['source'],
  ): Promise<BatchInputs['source']> {
    if ('digest' in source) {
      const { digest, name = digest, csv } = source;
      if (!(await this.#blobs.info(digest))) throw fail('blob_missing', { digest });
      return { kind: 'file', name, digests: [digest], ...(csv ? { csv } : {}) };
    }
    if ('datasetVersion' in source) {
      const { digest, name } = await this.#ports.dataset(source.datasetVersion);
      return { kind: 'dataset', name, digests: [digest] };
    }
    const [fromMs, toMs] = [parseTime(source.from, 'source.from'), parseTime(source.to, 'source.to')];
    await this.#ports.endpoint(source.log);
    const window = { endpoint: source.log, fromMs, toMs };
    await this.#ports.requireLogged(window);
    return { kind: 'log', name: `log of ${source.log}`, digests: [], window };
  }
}

const replayWindowSchema = z.object({
  endpoint: z.string(),
  from: z.string(),
  to: z.string(),
  packageDigest: digestSchema,
});

/** Which span of which log a step reads, and the package that is asked. */
function windowOf(run: BatchStepRun): BatchWindow & { readonly packageDigest: Digest } {
  if (run.kind === kind) {
    const { source, packageDigest } = batchInputsSchema.parse(run.inputs);
    if (!source.window) throw fail('invalid_input', { field: 'id', problem: 'this batch reads no log' });
    return { ...source.window, packageDigest };
  }
  const { endpoint, from, to, packageDigest } = replayWindowSchema.parse(run.inputs);
  return { endpoint, fromMs: Date.parse(from), toMs: Date.parse(to), packageDigest };
}

function toResource(
  run: BatchStepRun,
  progress: ReadonlyMap<string, BatchPrediction['progress']>,
): BatchPrediction {
  const inputs = batchInputsSchema.parse(run.inputs);
  const { model, modelVersion, packageDigest, endpoint, source, format, log, resumes } = inputs;
  const { kind: sourceKind, name, digests } = source;
  return {
    id: run.id,
    status: run.status,
    model,
    modelVersion,
    packageDigest,
    endpoint,
    source: { kind: sourceKind, name, digests },
    format,
    log,
    resumes,
    progress: progress.get(run.id) ?? { rows: 0, failedRows: 0, totalRows: null },
    output: run.outputs === null ? null : batchOutputsSchema.parse(run.outputs),
    error: run.error,
    attempts: run.attempts,
    createdAt: run.createdAt,
    startedAt: run.startedAt,
    finishedAt: run.finishedAt,
  };
}
