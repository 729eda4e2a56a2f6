import type { Digest } from '../../../core/json.ts';
import { parseTime } from '../../../core/time.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Database, Tx } from '../../../platform/db/index.ts';
import type { Journal } from '../../../platform/journal/index.ts';
import {
  type CreateReplay,
  type Replay,
  type ReplayInputs,
  replayInputsSchema,
  replayOutputsSchema,
} from '../contract.ts';
import type { FeedbackService } from '../service.ts';

/** A step run, as far as a replay needs it. */
export interface ReplayStepRun {
  readonly id: string;
  readonly status: Replay['status'];
  readonly inputs: unknown;
  readonly outputs: unknown;
  readonly error: Replay['error'];
  readonly createdAt: string;
  readonly finishedAt: string | null;
}

/** What replays need of the other parts. */
export interface ReplayPorts {
  readonly start: (tx: Tx, step: { kind: string; inputs: unknown; subject: string }) => Promise<string>;
  /** Throws `not_found`. */
  readonly stepRun: (id: string) => Promise<ReplayStepRun>;
  /** Replays, newest first. */
  readonly stepRuns: (limit: number) => Promise<readonly ReplayStepRun[]>;
  readonly modelOf: (endpoint: string) => Promise<string>;
  /** The package of a registered version; throws where it has none. */
  readonly packageOf: (model: string, version: number) => Promise<string>;
  /** Resolves when control has what replicas have logged so far. */
  readonly sealed: () => Promise<void>;
}

const kind = 'replay';

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

  /** Begins a replay. Throws `not_found`, `version_not_packaged`, `replay_empty`, `invalid_time`. */
  async create(actor: Actor, { endpoint, from, to, version }: CreateReplay): Promise<Replay> {
    authorize(actor, 'feedback:write');
    const { db, journal, feedback, ports } = this.#options;
    const model = await ports.modelOf(endpoint);
    const packageDigest = await ports.packageOf(model, version);
    const window = { endpoint, fromMs: parseTime(from, 'from'), toMs: parseTime(to, 'to') };
    await ports.sealed();
    const { digest: windowDigest, rows } = await feedback.storeWindow(actor, window);
    const inputs: ReplayInputs = replayInputsSchema.parse({
      ...{ endpoint, from, to, model, modelVersion: String(version), packageDigest, windowDigest, rows },
    });
    const id = await db.write(async (tx) => {
      const stepId = await ports.start(tx, { kind, inputs, subject: `${model}/${version}` });
      await journal.appendAudit(tx, {
        actor,
        action: 'replay:create',
        subject: { kind: 'endpoint', id: endpoint },
        after: { from, to, version, rows },
        reason: 'asked for',
      });
      return stepId;
    });
    return this.get(actor, id);
  }

  /** Throws `not_found`. */
  async get(actor: Actor, id: string): Promise<Replay> {
    authorize(actor, 'read');
    return toReplay(await this.#options.ports.stepRun(id));
  }

  /** The files of all replays: windows of the log, and what was predicted of them. */
  async files(): Promise<readonly Digest[]> {
    const runs = await this.#options.ports.stepRuns(Number.MAX_SAFE_INTEGER);
    return runs.flatMap(({ inputs, outputs, status }) => [
      replayInputsSchema.parse(inputs).windowDigest,
      ...(status === 'succeeded' ? [replayOutputsSchema.parse(outputs).digest] : []),
    ]);
  }

  async list(actor: Actor, limit: number): Promise<readonly Replay[]> {
    authorize(actor, 'read');
    return (await this.#options.ports.stepRuns(limit)).map(toReplay);
  }
}

function toReplay(run: ReplayStepRun): Replay {
  const { endpoint, from, to, model, modelVersion, rows } = replayInputsSchema.parse(run.inputs);
  return {
    ...{ id: run.id, status: run.status, endpoint, from, to, model, modelVersion, rows },
    result: run.status === 'succeeded' ? replayOutputsSchema.parse(run.outputs) : null,
    error: run.error,
    createdAt: run.createdAt,
    finishedAt: run.finishedAt,
  };
}
