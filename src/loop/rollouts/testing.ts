import type { TestContext } from 'node:test';
import { storePackage } from '../../../test/support/serving.ts';
import { fail } from '../../core/errors.ts';
import { createRng } from '../../core/rng.ts';
import { formatTime } from '../../core/time.ts';
import { type LoggedRow, openFeedbackService } from '../../lifecycle/feedback/testing.ts';
import type { RolloutAborted } from '../../lifecycle/monitoring/index.ts';
import { ServingService, servingMigrations } from '../../lifecycle/serving/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { OpenDatabase } from '../../platform/db/testing.ts';
import { createLogger } from '../../platform/log/index.ts';
import { logisticOnnx, logisticPackage } from '../../platform/onnx/testing.ts';
import { ClockSteps } from '../clock-steps.ts';
import { createRolloutSchema, type EndpointRollout } from '../contract.ts';
import { loopMigrations } from '../migrations.ts';
import type { RolloutLog } from '../verdict/observe.ts';
import { RolloutWatch } from './live/rollout-watch.ts';
import { RolloutEngine } from './rollout-engine.ts';
import { RolloutService } from './rollout-service.ts';
import type { RolloutAliases } from './rollout-writer.ts';

/** Whoever a test acts as. */
export const anna = { kind: 'user', id: 'anna' } as const;
/** An hour of event time, milliseconds. */
export const hourMs = 3_600_000;

/** The arm that a number in 0..1 falls to by the weights. */
function drawn<A extends { readonly weight: number }>(arms: readonly A[], u: number): A {
  let rest = u;
  for (const arm of arms) {
    rest -= arm.weight;
    if (rest < 0) return arm;
  }
  return arms[0] as A;
}

/**
 * An endpoint "flights" with a champion, its real log, serving and rollouts over a real database, and a clock that is
 * moved by hand.
 */
export async function openRollouts(t: TestContext, open: OpenDatabase) {
  let opened: ServingService | undefined;
  t.after(() => opened?.close());
  const feedback = await openFeedbackService(t, (context, migrations) =>
    open(context, [...migrations, ...servingMigrations, ...loopMigrations]),
  );
  const { journal, blobs, frames, options } = feedback;
  /** How many more changes are written before control is as if killed. */
  let writesLeft = Number.POSITIVE_INFINITY;
  const alive = async <T>(work: () => Promise<T>): Promise<T> => {
    if (writesLeft <= 0) throw new Error('killed');
    writesLeft--;
    return work();
  };
  const db: Database = { ...options.db, write: (change) => alive(() => options.db.write(change)) };
  let nowMs = Date.parse('2020-01-01T00:00:00Z');
  /** By how much somebody set the clock, which is not time that passed. */
  let setByMs = 0;
  const clock = { nowMs: () => nowMs };
  const packageOf = async (_: string, version: number) => {
    if (version > 9) throw fail('version_not_packaged', { name: 'delay', version });
    return storePackage(blobs, logisticOnnx(version), logisticPackage());
  };
  const packaged = async (model: string, version: string | number) => {
    const digest = await packageOf(model, Number(version));
    return { version: Number(version), digest };
  };
  let areBlobsAway = false;
  const store: typeof blobs = Object.assign(Object.create(blobs), {
    bytes: async (...of: Parameters<typeof blobs.bytes>) => {
      if (areBlobsAway) throw new Error('blobs are away');
      return blobs.bytes(...of);
    },
  });
  /** Runs work while no package can be read. */
  const breakPackages = async (work: () => Promise<void>) => {
    areBlobsAway = true;
    await work();
    areBlobsAway = false;
  };
  const serving = await ServingService.open({
    db,
    journal,
    log: createLogger('test', 'silent'),
    blobs: store,
    clock,
    packaged,
  });
  opened = serving;
  const alerts: string[] = [];
  const told = {
    rolloutAborted: async (_: unknown, __: unknown, { modelVersion, subject, reason }: RolloutAborted) => {
      alerts.push(`${subject.split('/')[0]} of ${modelVersion}: ${reason}`);
    },
    rolloutPromoted: async () => {
      alerts.length = 0;
    },
  };
  /** The registry's aliases of the model, and which version it refuses. */
  const registry: { aliases: Record<string, number | null>; blocked?: number } = { aliases: { champion: 1 } };
  const aliases: RolloutAliases = {
    pointsAt: async (_, alias) => registry.aliases[alias] ?? null,
    move: (_, { alias, version, model: name }) =>
      alive(async () => {
        if (registry.blocked === version) {
          throw fail('version_blocked', { name, version, problem: 'a gate failed', remedy: 'Approve it.' });
        }
        registry.aliases[alias] = version;
      }),
    giveBack: (_, { alias, version, to }) =>
      alive(async () => {
        if (registry.aliases[alias] === version) registry.aliases[alias] = to;
      }),
  };
  const log: RolloutLog = {
    read: (endpoint, selection, work) => feedback.service.readNarrow(anna, endpoint, selection, work),
    features: (endpoint) => feedback.service.loggedFeatures(anna, endpoint, { rows: 'all' }),
    query: (sql) => frames.query(sql),
  };
  const logger = createLogger('test', 'silent');
  const clockSteps = (boot = 'boot') => new ClockSteps(clock, () => nowMs - setByMs, boot);
  const deps = {
    db,
    journal,
    serving,
    clock,
    packageOf,
    logger,
    featuresOf: async () => ['airport', 'distance'],
    watermarks: {
      declare: async () => {},
      get: async () => nowMs,
      describe: async (_: unknown, stream: string) => {
        return { stream, mode: 'live' as const, watermark: formatTime(nowMs), allowedDelayMs: 0 };
      },
    },
    clockSteps: clockSteps(),
    monitoring: told,
    aliases,
    log,
    watch: new RolloutWatch(
      {
        listen: (listener: Parameters<typeof feedback.service.arrivals.listen>[0]) =>
          feedback.service.arrivals.listen(listener),
        follow: () => {},
        files: (endpoint: string) => feedback.service.logFiles(anna, endpoint),
        columns: (sql: string) => frames.columns(sql),
      },
      logger,
    ),
  };
  const engine = new RolloutEngine(deps);
  /** As if control was killed after so many changes of what is asked; then it is started again. */
  const killedAfter = async (
    writes: number,
    ask: (rollouts: RolloutService, ended: RolloutEngine) => Promise<unknown>,
  ) => {
    await engine.lookNow();
    const ended = new RolloutEngine(deps);
    writesLeft = writes;
    const isDone = await ask(new RolloutService(deps, ended), ended).then(
      () => true,
      (error: Error) => {
        if (error.message !== 'killed') throw error;
        return false;
      },
    );
    await ended.stop();
    writesLeft = Number.POSITIVE_INFINITY;
    await engine.lookNow();
    return isDone;
  };
  /** Control as it is after it was started again, the machine too where `boot` is another one. */
  const restarted = (boot?: string) => new RolloutEngine({ ...deps, clockSteps: clockSteps(boot) });
  const service = new RolloutService(deps, engine);
  await serving.declare(anna, { name: 'flights', model: 'delay' });
  const first = { modelVersion: '1', packageDigest: await packageOf('delay', 1) };
  await serving.deploy(anna, 'flights', first, 'first');
  const rng = createRng(1);
  let id = 0;
  /** Requests of the present route: who answers is drawn by its weights; `quality` is each version's noise. */
  const traffic = async (
    count: number,
    quality: Readonly<Record<string, number>>,
    extra: (version: string) => Partial<LoggedRow> = () => ({}),
  ) => {
    const { routeVersion, arms, shadow } = await serving.endpoint(anna, 'flights');
    const rows: LoggedRow[] = [];
    const labels: { predictionId: string; value: number; eventTime: number }[] = [];
    for (let i = 0; i < count; i++) {
      const arm = drawn(arms, rng.next());
      const truth = rng.next();
      const predictionId = `p${id++}`;
      const airport = i % 2 === 0 ? 'ZRH' : 'GVA';
      const row = (version: string, name: string, propensity: number): LoggedRow => ({
        id: predictionId,
        entity: predictionId,
        eventTimeMs: nowMs + i,
        routeVersion,
        propensity,
        arm: name as never,
        modelVersion: version,
        features: { airport },
        score: Math.min(0.99, Math.max(0.01, truth + (quality[version] ?? 0) * rng.normal())),
        ...extra(version),
      });
      rows.push(row(arm.modelVersion, arm.arm, arm.weight));
      if (shadow && arm.modelVersion !== shadow.modelVersion)
        rows.push(row(shadow.modelVersion, 'shadow', 1));
      labels.push({ predictionId, value: rng.next() < truth ? 1 : 0, eventTime: nowMs + i });
    }
    await feedback.send(rows);
    await feedback.service.postLabels(anna, { endpoint: 'flights', labels });
    await feedback.service.flush('flights');
    nowMs += hourMs;
    await engine.lookNow();
  };
  const create = (plan: Readonly<Record<string, unknown>>, again = false) =>
    service.create(anna, 'flights', createRolloutSchema.parse({ plan, again, reason: 'try it' }));
  const present = async ({ id: rollout }: EndpointRollout) => service.get(anna, 'flights', rollout);
  const wait = (ms: number) => {
    nowMs += ms;
  };
  /** Sets the clock forward or back. */
  const setClock = (byMs: number) => {
    nowMs += byMs;
    setByMs += byMs;
  };
  return {
    serving,
    journal,
    service,
    engine,
    killedAfter,
    restarted,
    breakPackages,
    feedback: feedback.service,
    send: feedback.send,
    traffic,
    create,
    present,
    wait,
    setClock,
    alerts,
    registry,
  };
}
