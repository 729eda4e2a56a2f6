import { fail } from '../../../core/errors.ts';
import type { Digest } from '../../../core/json.ts';
import { parseTime } from '../../../core/time.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Database, Tx } from '../../../platform/db/index.ts';
import type { Journal } from '../../../platform/journal/index.ts';
import {
  type CreateReplay,
  type DeletedReplay,
  type Replay,
  type ReplayInputs,
  replayInputsSchema,
  replayOutputsSchema,
} from '../contract.ts';
import type { FeedbackService } from '../service.ts';

/** A step run, as far as a replay needs it. */
export interface ReplayStepRun {
  readonly id: string;
  readonly kind: string;
  readonly status: Replay['status'];
  readonly inputs: unknown;
  readonly outputs: unknown;
  readonly error: Replay['error'];
  readonly createdAt: string;
  readonly finishedAt: string | null;
}

/** So many replays after the one with the id. */
interface ReplayPage {
  readonly limit: number;
  readonly afterId: string | undefined;
}

/** What replays need of the other parts. */
export interface ReplayPorts {
  readonly start: (tx: Tx, step: { kind: string; inputs: unknown; subject: string }) => Promise<string>;
  /** undefined: there is none. */
  readonly stepRun: (id: string) => Promise<ReplayStepRun | undefined>;
  /** Replays, newest first. */
  readonly stepRuns: (page: ReplayPage) => Promise<readonly ReplayStepRun[]>;
  readonly cancel: (tx: Tx, id: string, reason: string) => Promise<void>;
  /** Removes a step that has ended, with its parts; throws for one that has not. */
  readonly remove: (tx: Tx, id: string) => Promise<void>;
  /** Puts other outputs in the place of those of a step that has succeeded. */
  readonly putOutputs: (tx: Tx, id: string, outputs: unknown) => Promise<void>;
  /** Deletes those of these files that nothing uses any more; how many. */
  readonly deleteUnused: (digests: readonly Digest[]) => Promise<number>;
  /** How far those are that have begun. */
  readonly progress: (ids: readonly string[]) => Promise<ReadonlyMap<string, Replay['progress']>>;
  /** Files of the parts that are finished. */
  readonly parts: (id: string) => Promise<readonly Digest[]>;
  /** An endpoint's model. */
  readonly modelOf: (endpoint: string) => Promise<string>;
  /** The package of a registered version; throws where it has none. */
  readonly packageOf: (model: string, version: number) => Promise<Digest>;
  /** Resolves when control has what replicas have logged so far. */
  readonly sealed: () => Promise<void>;
}

const kind = 'replay';

/** Replays of all endpoints that are looked through at once for those of one. */
const readAtOnce = 200;

/** Replays: logged requests predicted again by another version, compared with what was answered. */
export class ReplayService {
  readonly #options: {
    readonly db: Database;
    readonly journal: Journal;
    readonly feedback: FeedbackService;
    readonly ports: ReplayPorts;
  };

  constructor(options: {
    readonly db: Database;
    readonly journal: Journal;
    readonly feedback: FeedbackService;
    readonly ports: ReplayPorts;
  }) {
    this.#options = options;
  }

  /**
   * Begins a replay; its step reads the window from the log. Throws `not_found`, `version_not_packaged`, `replay_empty`,
   * `invalid_time`, `invalid_input`.
   */
  async create(actor: Actor, { endpoint, from, to, version }: CreateReplay): Promise<Replay> {
    authorize(actor, 'feedback:write');
    const { db, journal, feedback, ports } = this.#options;
    const model = await ports.modelOf(endpoint);
    const packageDigest = await ports.packageOf(model, version);
    const window = { endpoint, fromMs: parseTime(from, 'from'), toMs: parseTime(to, 'to') };
    await feedback.windows.requireLogged(window, ports.sealed);
    const inputs: ReplayInputs = replayInputsSchema.parse({
      endpoint,
      from,
      to,
      model,
      modelVersion: String(version),
      packageDigest,
    });
    const id = await db.write(async (tx) => {
      const stepId = await ports.start(tx, { kind, inputs, subject: `${model}/${version}` });
      await journal.appendAudit(tx, {
        actor,
        action: 'replay:create',
        subject: { kind: 'endpoint', id: endpoint },
        after: { from, to, version },
        reason: 'asked for',
      });
      return stepId;
    });
    return this.get(actor, id);
  }

  /** Throws `not_found`. */
  async get(actor: Actor, id: string): Promise<Replay> {
    authorize(actor, 'read');
    const [replay] = await this.#replays([await this.#known(id)]);
    if (!replay) throw new Error('a step that is known is a replay');
    return replay;
  }

  /** Stops a replay; one that has ended stays as it is. Throws `not_found`. */
  async cancel(actor: Actor, id: string, reason: string): Promise<Replay> {
    authorize(actor, 'feedback:write');
    const { db, journal, ports, feedback } = this.#options;
    await this.#known(id);
    await db.write(async (tx) => {
      await ports.cancel(tx, id, reason);
      const subject = { kind: 'replay', id };
      await journal.appendAudit(tx, { actor, action: 'replay:cancel', subject, reason });
    });
    await feedback.windows.abandon(id);
    return this.get(actor, id);
  }

  /**
   * Deletes a replay that has ended, with what it read, its parts and its result. Throws `not_found`,
   * `batch_under_way`.
   */
  async delete(actor: Actor, id: string, reason: string): Promise<DeletedReplay> {
    authorize(actor, 'feedback:write');
    const { db, journal, ports, feedback } = this.#options;
    const run = await this.#known(id);
    const { status } = run;
    if (status === 'queued' || status === 'running')
      throw fail('batch_under_way', { what: kind, id, status, path: `/api/v1/replays/${id}` });
    const window = [...(await feedback.windows.find([id])).values()].map(({ digest }) => digest);
    const files = [...window, ...(await this.#filesOf(run))];
    const { endpoint, model, modelVersion, from, to } = replayInputsSchema.parse(run.inputs);
    await db.write(async (tx) => {
      await ports.remove(tx, id);
      await feedback.windows.remove(tx, id);
      await journal.appendAudit(tx, {
        actor,
        action: 'replay:delete',
        subject: { kind, id },
        before: { endpoint, model: `${model}/${modelVersion}`, from, to, status },
        reason,
      });
    });
    return { id, files: await ports.deleteUnused(files) };
  }

  /** Takes out of replays with this file the rows that they show as examples: one of them may be of who is erased. */
  async forgetExamples(file: Digest): Promise<void> {
    const { db, ports } = this.#options;
    const all = await ports.stepRuns({ limit: Number.MAX_SAFE_INTEGER, afterId: undefined });
    for (const { id, status, outputs } of all) {
      if (status !== 'succeeded') continue;
      const result = replayOutputsSchema.parse(outputs);
      if (result.digest === file && result.examples.length > 0)
        await db.write((tx) => ports.putOutputs(tx, id, { ...result, examples: [] }));
    }
  }

  /** The files of all replays: what was predicted, and windows of the log of earlier versions. */
  async files(): Promise<readonly Digest[]> {
    const { ports } = this.#options;
    const all = await ports.stepRuns({ limit: Number.MAX_SAFE_INTEGER, afterId: undefined });
    const files: Digest[] = [];
    for (const run of all) files.push(...(await this.#filesOf(run)));
    return files;
  }

  async #filesOf({ id, inputs, outputs, status }: ReplayStepRun): Promise<readonly Digest[]> {
    const { windowDigest } = replayInputsSchema.parse(inputs);
    const result = status === 'succeeded' ? [replayOutputsSchema.parse(outputs).digest] : [];
    return [...(windowDigest ? [windowDigest] : []), ...(await this.#options.ports.parts(id)), ...result];
  }

  /**
   * Replays, newest first.
   *
   * @param endpoint only those of its log; of all endpoints unless given
   */
  async list(actor: Actor, page: ReplayPage, endpoint?: string): Promise<readonly Replay[]> {
    authorize(actor, 'read');
    const { ports } = this.#options;
    const isMeant = ({ inputs }: ReplayStepRun) =>
      endpoint === undefined || replayInputsSchema.parse(inputs).endpoint === endpoint;
    const limit = endpoint === undefined ? page.limit : Math.max(page.limit, readAtOnce);
    const runs: ReplayStepRun[] = [];
    for (let { afterId } = page; ; ) {
      const read = await ports.stepRuns({ limit, afterId });
      runs.push(...read.filter(isMeant).slice(0, page.limit - runs.length));
      if (read.length < limit || runs.length === page.limit) break;
      afterId = read.at(-1)?.id;
    }
    return this.#replays(runs);
  }

  async #replays(runs: readonly ReplayStepRun[]): Promise<readonly Replay[]> {
    const { ports, feedback } = this.#options;
    const ids = runs.map(({ id }) => id);
    const progress = await ports.progress(ids);
    const windows = await feedback.windows.find(ids);
    return runs.map((run) => toReplay(run, progress.get(run.id), windows.get(run.id)?.rows ?? null));
  }

  async #known(id: string): Promise<ReplayStepRun> {
    const run = await this.#options.ports.stepRun(id);
    if (run?.kind !== kind) throw fail('not_found', { kind, id, list: '/api/v1/replays' });
    return run;
  }
}

function toReplay(
  run: ReplayStepRun,
  done: Replay['progress'] = { rows: 0, failedRows: 0 },
  windowRows: number | null,
): Replay {
  const { endpoint, from, to, model, modelVersion, rows } = replayInputsSchema.parse(run.inputs);
  return {
    id: run.id,
    status: run.status,
    endpoint,
    from,
    to,
    model,
    modelVersion,
    rows: rows ?? windowRows,
    progress: { rows: done.rows, failedRows: done.failedRows },
    result: run.status === 'succeeded' ? replayOutputsSchema.parse(run.outputs) : null,
    error: run.error,
    createdAt: run.createdAt,
    finishedAt: run.finishedAt,
  };
}
