import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { z } from 'zod';
import { fail } from '../core/errors.ts';
import { digestOf } from '../core/json.ts';
import { digestSchema } from '../core/model-types.ts';
import { type Clock, formatTime, parseTime, wallClock } from '../core/time.ts';
import type { DatasetVersion } from '../lifecycle/data/index.ts';
import type { Arrived } from '../lifecycle/feedback/index.ts';
import type { RolloutAborted } from '../lifecycle/monitoring/index.ts';
import { Pipelines, pipelinesMigrations, StepRunner } from '../lifecycle/pipelines/index.ts';
import { type Actor, systemActor } from '../platform/access/index.ts';
import { openDirectoryBlobs } from '../platform/blobs/index.ts';
import type { Database } from '../platform/db/index.ts';
import { Attempts } from '../platform/executors/local/index.ts';
import { Frames } from '../platform/frames/index.ts';
import { Jobs, jobsMigrations } from '../platform/jobs/index.ts';
import { Journal, journalMigrations } from '../platform/journal/index.ts';
import { createLogger } from '../platform/log/index.ts';
import { defineStepKind, type StepKind } from '../platform/registries/index.ts';
import { Watermarks, watermarksMigrations } from '../platform/watermarks/index.ts';
import { ClockSteps } from './clock-steps.ts';
import type { Loop, LoopFile, Turn, TurnStep } from './contract.ts';
import { createLoop } from './index.ts';
import { loopMigrations } from './migrations.ts';
import type { Judgement, LoopPorts, OpenAlert, PackagedVersion } from './ports.ts';
import { RolloutWatch } from './rollouts/live/rollout-watch.ts';
import { deployStep } from './steps/deploy.ts';
import { nothingObserved, type Observation } from './verdict/observation.ts';

/** Tables of the loop and of what it stands on. */
export const loopTestMigrations = [
  ...journalMigrations,
  ...jobsMigrations,
  ...watermarksMigrations,
  ...pipelinesMigrations,
  ...loopMigrations,
];

/** Whoever a test acts as. */
export const anna: Actor = { kind: 'user', id: 'anna' };

/** A loop file that keeps turns short; its cool-down is three days. */
export const loopText = `loop: flights
data:
  source: dataset:flights
  time: date
  entity: flight_id
  label: { column: late, delay: 6h }
train: { run: python train.py }
evaluate:
  gates: [{ metric: auc, min: 0.6 }]
  approval: uncertain
deploy:
  shadow: { minRequests: 50 }
  canary: { steps: [10, 100], minRequests: 20, minLabels: 100 }
improve:
  retrain: { on: [drift, performance, manual], cooldown: 3d }
`;

/** The other slices as the loop sees them, in memory; they outlive restarts of the engine, as databases do. */
export class FakeWorld {
  readonly versions: PackagedVersion[] = [];
  /** What somebody deleted in the registry. */
  readonly deleted = new Set<number>();
  champion: number | null = null;
  challenger: number | null = null;
  /** Why a guard took the challenger's traffic; null while none did. */
  guarded: string | null = null;
  /** Files that monitoring was configured by, in order. */
  readonly watched: LoopFile[] = [];
  /** Calls of serving in order, e.g. `split 2 0.1`. */
  readonly calls: string[] = [];
  serving: { champion: number | null; challenger: number | null } = { champion: null, challenger: null };
  routeVersion = 0;
  verdict: Judgement['verdict'] = 'pass';
  logsModel = true;
  /** How a model that was refitted on all rows is found beside the judged one. */
  refitVerdict: Judgement['verdict'] = 'pass';
  /** The model that answers at the loop's endpoint. */
  answering: string | null = null;
  signatureDifference: string | null = null;
  /** Versions of which another one was registered as a refit. */
  readonly refits: number[] = [];
  trainError: string | undefined;
  /** The script fails when it is given this many rows. */
  trainErrorOnRows: number | undefined;
  /** The script makes this model whatever it is given; undefined: another one each time. */
  model: string | undefined;
  alerts: OpenAlert[] = [];
  labels = 0;
  /** What monitoring was told of rollouts that ended by harm. */
  readonly aborted: RolloutAborted[] = [];
  /** Why no replica follows a new route; undefined when all do. */
  replicaProblem: string | undefined;
  /** Which replicas cannot take a route that all of them took. */
  behind = '';
  outcomes: Observation = nothingObserved;
  /** What reading the log and following a route take; a test may hold them. */
  readsLog: () => Promise<void> = async () => {};
  /** Control is as if killed once the next split is in force, and this called. */
  killedAfterSplit: (() => void) | null = null;
  followsRoute: (signal: AbortSignal) => Promise<void> = async () => {};

  ports(): LoopPorts {
    return {
      data: {
        version: async (id) => dataset(id),
        find: async (name) => (name === 'flights' ? dataset('dataset-1') : undefined),
        requireFit: async () => {},
      },
      experiments: {
        loggedBy: async (stepRunId) => ({
          runIds: ['run-1'],
          models: this.logsModel
            ? [{ modelId: `m-${stepRunId}`, runId: 'run-1', name: 'model', files: [] }]
            : [],
        }),
      },
      registry: {
        champion: async () => this.versions.find((v) => v.version === this.champion),
        version: async (model, version) => this.#known(model, version),
        register: async ({ digest, datasetVersionId, refitOf }) => {
          if (refitOf) this.refits.push(refitOf.version);
          const known = this.versions.find((v) => v.digest === digest);
          if (known) return known;
          const made = {
            version: this.versions.length + 1,
            digest,
            datasetVersionId,
            evaluationId: null,
            inputs: [{ name: 'distance', type: 'double' }],
          };
          this.versions.push(made);
          return made;
        },
        recordGates: async () => {},
        approve: async () => {},
        setChallenger: async (_, version) => {
          this.challenger = version;
        },
        promote: async (model, version) => {
          this.champion = this.#known(model, version).version;
          this.challenger = null;
        },
        giveBack: async (_, version, to) => {
          if (this.champion === version) this.champion = this.deleted.has(to) ? null : to;
        },
      },
      evaluation: {
        stepInputs: (request) => request,
        read: () => ({ verdict: this.refitVerdict, gates: [gate(this.refitVerdict)] }),
        record: async (stepRunId) => ({
          evaluationId: stepRunId,
          verdict: this.verdict,
          gates: [gate(this.verdict)],
        }),
      },
      packaging: {
        stepInputs: async (model, logged) => ({ model, modelId: logged.modelId }),
        difference: async () => this.signatureDifference,
        digestOf: (outputs) => z.object({ digest: digestSchema }).parse(outputs).digest,
      },
      serving: {
        declare: async () => {},
        answering: async () => this.answering,
        champion: async () => this.serving.champion,
        deploy: async ({ version }) =>
          this.#route(`deploy ${version}`, { champion: version, challenger: null }),
        mirror: async ({ version }) => this.#route(`mirror ${version}`, this.serving),
        lost: async () => this.guarded,
        split: async ({ version }, { share }) => {
          const route = this.#route(`split ${version} ${share}`, { ...this.serving, challenger: version });
          const killed = this.killedAfterSplit;
          this.killedAfterSplit = null;
          if (!killed) return route;
          killed();
          throw new Error('killed');
        },
        promote: async ({ version }) =>
          this.#route(`promote ${version}`, { champion: version, challenger: null }),
        giveBack: async (_, version) =>
          this.#route(`back ${version}`, { champion: version, challenger: null }),
        withdraw: async () => this.#route('withdraw', { ...this.serving, challenger: null }),
        behind: async () => this.behind,
        settled: async (_, __, signal) => {
          await this.followsRoute(signal);
          if (this.replicaProblem) throw fail('conflict', { problem: this.replicaProblem });
        },
      },
      feedback: {
        observe: async () => {
          await this.readsLog();
          return this.outcomes;
        },
        labelCount: async () => this.labels,
      },
      monitoring: {
        configure: async (_, file) => {
          this.watched.push(file);
        },
        addReference: async () => {},
        openAlerts: async () => this.alerts,
        rolloutAborted: async (told) => {
          this.aborted.push(told);
        },
        rolloutPromoted: async () => {},
      },
    };
  }

  /**
   * What the challenger and the champion gave on `pairs` requests, with this mean difference of log loss; for a bandit
   * the rewards (accuracy) of both are that far apart.
   */
  seeOutcomes(
    challenger: number,
    champion: number,
    requests: number,
    pairs: number,
    difference: number,
  ): void {
    const moments = (mean: number, variance: number) => ({ n: pairs, mean, m2: pairs * variance });
    const arm = (name: string, version: number, worse: number) => ({
      arm: name,
      version: String(version),
      routeVersion: this.routeVersion,
      propensity: 0,
      requests,
      failed: 0,
      nonFinite: 0,
      slow: 0,
      labelled: pairs,
      units: requests,
      refused: 0,
      failedUnits: 0,
      newUnits: 0,
      overdueUnits: 0,
      metrics: { logLoss: moments(0.45 + worse, 0.04), accuracy: moments(0.7 - worse, 0.21) },
    });
    this.outcomes = {
      ...nothingObserved,
      strata: [arm('champion', champion, 0), arm('challenger', challenger, difference)],
      shadows: [arm('shadow', challenger, difference)],
      pairs: [
        {
          version: String(challenger),
          metrics: { logLoss: moments(difference, 0.0004) },
          inflation: { logLoss: 1 },
        },
      ],
    };
  }

  #known(model: string, version: number): PackagedVersion {
    const known = this.versions[version - 1];
    if (!known || this.deleted.has(version))
      throw fail('version_unknown', { name: model, version: String(version) });
    return known;
  }

  /** As serving: a route that is in force already keeps its version. */
  #route(call: string, serving: FakeWorld['serving']): number {
    if (this.calls.at(-1) === call) return this.routeVersion;
    this.calls.push(call);
    this.serving = serving;
    this.routeVersion += 1;
    return this.routeVersion;
  }
}

function gate(verdict: Judgement['verdict']): Judgement['gates'][number] {
  return { name: 'auc ≥ 0.6', verdict, measured: null, reason: 'AUC 0.55 is less than 0.6' };
}

function dataset(id: string): DatasetVersion {
  const columns = ['date', 'flight_id', 'distance', 'late'];
  return {
    id,
    dataset: 'flights',
    version: 1,
    digest: digestOf(id),
    columns: columns.map((name) => ({ name, type: 'other' })),
    time: 'date',
    rows: 100,
    profile: [],
  } as unknown as DatasetVersion;
}

/** The states that a turn went through. */
export function pathOf(turn: Turn): readonly string[] {
  return turn.transitions.map((t) => t.to).filter((state, i, all) => state !== all[i - 1]);
}

const anything = z.record(z.string(), z.unknown());

/** Step kinds that do at once what the world says. */
function fakeKinds(world: FakeWorld, ports: LoopPorts): readonly StepKind[] {
  const kind = (name: string, run: (inputs: Record<string, unknown>) => Record<string, unknown>) =>
    defineStepKind({
      kind: name,
      place: 'control',
      inputs: anything,
      outputs: anything,
      run: async (i) => run(i),
    });
  return [
    kind('label-join', (inputs) => ({
      digest: digestOf('joined'),
      sizeBytes: 1,
      rows: 80,
      waiting: 3,
      from: inputs.from,
      to: inputs.to,
    })),
    kind('prepare-data', () => ({
      datasetVersionId: 'dataset-2',
      dataDigest: digestOf('data'),
      rows: 100,
      joinedRows: 80,
      trainDigest: digestOf('train'),
      trainRows: 80,
      holdoutRows: 20,
      boundary: '2001-01-25T00:00:00.000Z',
      end: '2001-02-01T00:00:00.000Z',
    })),
    kind('train', ({ dataRows }) => {
      if (world.trainError || dataRows === world.trainErrorOnRows) {
        throw fail('train_script_failed', {
          command: 'train',
          ending: 'exit code 1',
          lastLines: world.trainError ?? 'out of memory',
        });
      }
      return {};
    }),
    kind('package', ({ modelId }) => ({ digest: digestOf(world.model ?? String(modelId)) })),
    kind('evaluate', () => ({})),
    kind('monitor', () => ({})),
    deployStep(ports.serving),
  ];
}

/** A loop over a real database, queue, runner and watermarks, and a made-up rest of the world. */
export async function openLoop(
  t: TestContext,
  db: Database,
  world: FakeWorld,
  clock: Clock = wallClock,
  /** What control has anew when it is started. A test that moves its clock lets time pass, unless it says otherwise. */
  clockSteps = () => new ClockSteps({ nowMs: () => 0 }, () => 0),
) {
  const root = await mkdtemp(join(tmpdir(), 'millrace-loop-'));
  const log = createLogger('test', 'silent');
  const journal = new Journal(db);
  const jobs = new Jobs(db);
  const watermarks = new Watermarks(db, journal, clock);
  const ports = world.ports();
  const kinds = fakeKinds(world, ports);
  const pipelines = new Pipelines({ db, journal, jobs, kinds });
  const frames = new Frames({ temporaryDirectory: root, memoryLimit: '256MB', threads: 1 });
  const blobs = await openDirectoryBlobs(join(root, 'blobs'));
  const runner = new StepRunner({
    queue: jobs,
    kinds,
    worker: `test/${root}`,
    attempts: new Attempts(join(root, 'attempts')),
    blobs,
    frames,
    controlUrl: 'http://127.0.0.1:1',
    slots: 2,
    log,
  });
  const listeners = new Set<(arrived: Arrived) => void>();
  const watch = new RolloutWatch(
    {
      listen(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      follow: () => {},
      files: async () => ({ rows: [], labels: [] }),
      columns: (sql) => frames.columns(sql),
    },
    log,
  );
  const open = () => {
    const engine = { db, journal, pipelines, watermarks, ports, watch, log, clock };
    return createLoop({ ...engine, clockSteps: clockSteps() }, blobs);
  };
  let loop = open();
  watch.start();
  await runner.start();
  await loop.engine.start();
  t.after(async () => {
    await loop.engine.stop();
    await watch.stop();
    await runner.stop();
    await rm(root, { recursive: true, force: true });
  });

  /** Waits until the loop has done all that it can. */
  const settle = async (name = 'flights'): Promise<Loop> => {
    for (;;) {
      const now = await loop.loops.get(anna, name);
      if (now.idle) return now;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  return {
    journal,
    pipelines,
    get loops() {
      return loop.loops;
    },
    get turns() {
      return loop.turns;
    },
    settle,
    async apply(text = loopText): Promise<Loop> {
      await loop.loops.apply(anna, { text });
      await watermarks.configure(systemActor, 'flights', { mode: 'replay' });
      return settle();
    },
    async advance(to: string): Promise<Loop> {
      await watermarks.advance(systemActor, 'flights', parseTime(to));
      return settle();
    },
    async turn(number: number): Promise<Turn> {
      return loop.loops.turn(anna, `flights/${number}`);
    },
    /** Rows and labels come in. */
    arrive(arrived: Arrived): void {
      for (const listener of listeners) listener(arrived);
    },
    /** Some inputs of a turn's step. */
    async inputs(step: TurnStep | undefined, names: readonly string[]): Promise<readonly unknown[]> {
      const { inputs } = await pipelines.get(systemActor, step?.stepRunId ?? '');
      return names.map((name) => anything.parse(inputs)[name]);
    },
    /** As after kill -9: a new engine over what the old one had written. */
    async restart(): Promise<void> {
      await loop.engine.stop();
      loop = open();
      await loop.engine.start();
    },
    drift(windowEnd: string): OpenAlert {
      return {
        id: 'alert-1',
        cause: 'drift',
        modelVersion: String(world.champion),
        reason: 'distance has drifted',
        lastWindowEndMs: parseTime(windowEnd),
      };
    },
    now: () => formatTime(clock.nowMs()),
  };
}
