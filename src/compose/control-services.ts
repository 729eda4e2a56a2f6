import { uuidv7 } from '../core/ids.ts';
import { wallClock } from '../core/time.ts';
import { DataService, dataMigrations } from '../lifecycle/data/index.ts';
import { EvaluationService, evaluationMigrations } from '../lifecycle/evaluation/index.ts';
import {
  createExperiments,
  experimentsMigrations,
  Purger,
  Purges,
  purgeStep,
  RunWatch,
} from '../lifecycle/experiments/index.ts';
import {
  FeedbackService,
  feedbackMigrations,
  labelJoinStep,
  ReplayService,
} from '../lifecycle/feedback/index.ts';
import { ErasureService, GovernanceService, governanceMigrations } from '../lifecycle/governance/index.ts';
import {
  alertDeliveryStep,
  MonitoringService,
  MonitorSchedule,
  monitoringMigrations,
  monitorStep,
} from '../lifecycle/monitoring/index.ts';
import { Pipelines, pipelinesMigrations, StepRunner } from '../lifecycle/pipelines/index.ts';
import {
  createLineage,
  createRegistry,
  createWebhooks,
  registryMigrations,
  WebhookWorker,
} from '../lifecycle/registry/index.ts';
import {
  BatchService,
  entityForms,
  entityInLog,
  hashKeyPrint,
  KeyService,
  PackageService,
  RemoteSecrets,
  ServingService,
  servingMigrations,
} from '../lifecycle/serving/index.ts';
import {
  createLoop,
  DeploymentService,
  deployStep,
  endpointUse,
  loopMigrations,
  prepareDataStep,
  RolloutEngine,
  RolloutService,
} from '../loop/index.ts';
import { systemActor } from '../platform/access/index.ts';
import type { DirectoryBlobStore } from '../platform/blobs/index.ts';
import { type DataDirectory, durationMsOf, patternOf, type Settings } from '../platform/config/index.ts';
import type { Database, Migration } from '../platform/db/index.ts';
import { Attempts } from '../platform/executors/local/index.ts';
import type { Frames } from '../platform/frames/index.ts';
import type { FastifyInstance } from '../platform/http/index.ts';
import { idempotencyMigrations } from '../platform/idempotency/index.ts';
import { Jobs, jobsMigrations } from '../platform/jobs/index.ts';
import { Journal, journalMigrations } from '../platform/journal/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Registry as MetricsRegistry } from '../platform/metrics/index.ts';
import { Outbound } from '../platform/outbound/index.ts';
import { Watermarks, watermarksMigrations } from '../platform/watermarks/index.ts';
import { addMlflowSurface } from '../surfaces/mlflow/index.ts';
import { artifactStorageOf } from './artifact-storage.ts';
import { createBatchPorts } from './batch-ports.ts';
import { createCardEvidence } from './card-evidence.ts';
import { datasetsWith } from './datasets-with.ts';
import { createDeploymentPorts } from './deployment-ports.ts';
import { keptByRegistry } from './kept-by-registry.ts';
import { createLineagePorts } from './lineage-ports.ts';
import { logCopies } from './log-copies.ts';
import { createLoopPorts } from './loop-ports.ts';
import { packagedVersion } from './packaged-version.ts';
import { hashKeyOf } from './prediction-log.ts';
import { createReplayPorts } from './replay-ports.ts';
import { createRolloutDeps } from './rollout-deps.ts';
import { createStatus } from './status.ts';
import { workerStepKinds } from './step-kinds.ts';
import { webhookSettingsOf } from './webhook-settings.ts';

export const allMigrations: readonly Migration[] = [
  ...journalMigrations,
  ...jobsMigrations,
  ...watermarksMigrations,
  ...idempotencyMigrations,
  ...dataMigrations,
  ...pipelinesMigrations,
  ...experimentsMigrations,
  ...registryMigrations,
  ...evaluationMigrations,
  ...servingMigrations,
  ...feedbackMigrations,
  ...monitoringMigrations,
  ...governanceMigrations,
  ...loopMigrations,
];

/** Steps that control runs itself at the same time. */
const controlSlots = 2;

interface ControlParts {
  readonly db: Database;
  readonly blobs: DirectoryBlobStore;
  readonly frames: Frames;
  readonly metrics: MetricsRegistry;
  readonly directory: DataDirectory;
  readonly controlUrl: string;
  readonly settings: Settings;
  readonly log: Logger;
}

export type ControlServices = Awaited<ReturnType<typeof createControlServices>>;

/** How long an erasure waits for what replicas have logged. */
const collectMs = 10_000;

/** Builds every service of control by plain arguments, in the order in which they depend on each other. */
export async function createControlServices(parts: ControlParts) {
  const { db, blobs, frames, directory, log } = parts;
  const clock = wallClock;
  const journal = new Journal(db);
  const jobs = new Jobs(db);
  const watermarks = new Watermarks(db, journal);
  const outbound = new Outbound({
    allowedSchemes: parts.settings.webhookAllowedSchemes,
    allowPrivateAddresses: parts.settings.webhookAllowPrivateAddresses,
  });
  const data = new DataService({ db, journal, blobs, frames, temporaryDirectory: directory.temporary });
  const artifactStorage = artifactStorageOf(parts.settings, directory);
  const longValues = parts.settings.truncateLongValues ? 'cut' : 'refuse';
  const tracking = { db, journal, blobs, clock, artifactStorage, longValues } as const;
  const experiments = createExperiments(tracking);
  const runWatch = new RunWatch(tracking, {
    lostAfterMs: durationMsOf(parts.settings.runLostAfter),
    isStepRunning: (id) => jobs.isOpen(id),
    log,
  });
  const evaluations = new EvaluationService({ db, journal });
  const { modelSourcePattern } = parts.settings;
  const sourcePattern = modelSourcePattern === undefined ? undefined : patternOf(modelSourcePattern);
  const registry = createRegistry({
    db,
    journal,
    jobs,
    clock,
    experiments,
    sourcePattern,
    servedBy: (model, version) => serving.endpointsServing(model, version),
  });
  const webhookSettings = webhookSettingsOf(parts.settings, directory);
  const webhooks = createWebhooks({
    db,
    journal,
    jobs,
    clock,
    outbound,
    ...webhookSettings,
    random: Math.random,
  });
  await webhooks.sealAddresses();
  const webhookWorker = new WebhookWorker({
    db,
    jobs,
    clock,
    webhooks,
    log,
    slots: parts.settings.webhookMaxWorkers,
  });
  const evidence = createCardEvidence(data, experiments);
  const governance = new GovernanceService({ journal, registry, evaluations, evidence });
  const logHashKey = () => hashKeyOf(parts.settings, directory);
  const logHashKeyPrint = () => hashKeyPrint(logHashKey());
  const serving = await ServingService.open({
    db,
    journal,
    blobs,
    log,
    hashKeyPrint: logHashKeyPrint,
    packaged: (model, version) => packagedVersion(registry, model, version),
    usedBy: endpointUse,
    onRetired: (tx, endpoint) => monitoring.endpointRetired(tx, systemActor, endpoint),
    onDamaged: (replicaId, segments) => monitoring.logDamaged(systemActor, replicaId, segments),
    onRestored: (told) => monitoring.controlRestored(systemActor, told),
    watch: {
      told: (health) => monitoring.replicasWatched(systemActor, health),
      awayAfterMs: durationMsOf(parts.settings.replicaAwayAfter),
    },
  });
  const endpointKeys = new KeyService({ db, journal, changed: () => serving.keysChanged() });
  const endpointExists = async (endpoint: string) => (await serving.route(endpoint)) !== undefined;
  const feedback = await FeedbackService.open({
    db,
    journal,
    blobs,
    frames,
    log,
    labelDirectory: directory.labels,
    secrets: webhookSettings.secrets,
    entityAsLogged: async (endpoint) => {
      const route = await serving.route(endpoint);
      return (entity) => (route ? entityInLog(route, entity, logHashKey) : entity);
    },
    hashing: {
      entityForms: (entity) => entityForms(entity, logHashKey),
      ownPrint: logHashKeyPrint,
      printOf: (id) => serving.replicas(systemActor).find((r) => r.id === id)?.logHashKey ?? undefined,
    },
    clockAheadMs: (id) => serving.replicas(systemActor).find((r) => r.id === id)?.clockAheadMs ?? undefined,
    endpointExists,
    onSetAside: (segments) => monitoring.segmentsSetAside(systemActor, segments),
  });
  watermarks.addBarrier(() => serving.sealPredictions());
  watermarks.addBarrier((stream) => feedback.flush(stream));
  const monitoring = new MonitoringService({
    db,
    journal,
    jobs,
    watermarks,
    blobs,
    frames,
    data,
    evaluation: evaluations,
    feedback,
    outbound,
    secrets: webhookSettings.secrets,
  });
  await monitoring.sealTargets();
  // What an earlier state kept in the open is in no file from here on.
  await db.scrub();
  const slices = {
    db,
    blobs,
    frames,
    data,
    experiments,
    registry,
    evaluations,
    serving,
    feedback,
    monitoring,
  };
  const ports = createLoopPorts(slices);
  const controlKinds = [
    labelJoinStep(feedback, () => serving.sealPredictions()),
    prepareDataStep(data),
    deployStep(ports.serving),
    monitorStep(monitoring),
    alertDeliveryStep(monitoring),
    purgeStep(new Purger(tracking, () => keptByRegistry(registry))),
  ];
  const kinds = [...controlKinds, ...workerStepKinds(parts.settings, log)];
  const pipelines = new Pipelines({ db, journal, jobs, kinds });
  const remoteSecrets = new RemoteSecrets({ db, secrets: webhookSettings.secrets, clock });
  const packages = new PackageService({
    blobs,
    secrets: remoteSecrets,
    register: async (actor, { model, ...facts }) =>
      (await registry.createVersion(actor, { name: model, ...facts })).version,
  });
  const lineage = createLineage({
    db,
    experiments,
    ports: createLineagePorts(data, serving, packages),
  });
  const deployments = new DeploymentService(db, pipelines, createDeploymentPorts(slices));
  const batches = new BatchService({
    db,
    journal,
    blobs,
    ports: createBatchPorts(slices, pipelines, logHashKey),
  });
  const replays = new ReplayService({
    db,
    journal,
    feedback,
    ports: createReplayPorts(slices, pipelines, batches),
  });
  const erasures = new ErasureService({
    db,
    secrets: webhookSettings.secrets,
    clock,
    log,
    endpointExists,
    collect: () => serving.sealPredictions(collectMs),
    hooks: feedback.eraseHooks({
      digests: () => logCopies({ replays, batches }),
      deleting: (file) => replays.forgetExamples(file),
    }),
    otherKeys: ({ entity, endpoint }) => feedback.hashKeys.others(entity, endpoint),
    left: datasetsWith({ data, feedback, blobs, frames }),
  });
  const rolloutDeps = createRolloutDeps({ ...slices, journal, watermarks, log, clock });
  const rolloutEngine = new RolloutEngine(rolloutDeps);
  const rollouts = new RolloutService(rolloutDeps, rolloutEngine);
  const { watch, clockSteps } = rolloutDeps;
  const loop = createLoop(
    { db, journal, pipelines, watermarks, ports, watch, log, clock, clockSteps },
    blobs,
  );
  const runner = new StepRunner({
    queue: jobs,
    kinds: controlKinds,
    worker: `control/${uuidv7()}`,
    attempts: new Attempts(directory.attempts),
    blobs,
    frames,
    controlUrl: parts.controlUrl,
    slots: controlSlots,
    log,
  });
  const monitorSchedule = new MonitorSchedule({
    db,
    monitoring,
    log,
    clock,
    start: (tx, endpoint, key) =>
      pipelines.start(tx, { kind: 'monitor', inputs: { endpoint }, subject: endpoint, key }),
  });
  const purges = new Purges(tracking, {
    purgeAfterMs: durationMsOf(parts.settings.purgeAfter),
    log,
    start: (tx, inputs, key) =>
      pipelines.start(tx, { kind: 'purge', inputs, subject: 'trash', ...(key === undefined ? {} : { key }) }),
  });
  const status = createStatus(db, jobs, directory.root);

  return {
    blobs,
    journal,
    jobs,
    watermarks,
    data,
    experiments,
    tables: { frames, temporaryDirectory: directory.temporary },
    purges,
    evaluations,
    registry,
    webhooks,
    lineage,
    governance,
    erasures,
    serving,
    batches,
    replays,
    endpointKeys,
    feedback,
    monitoring,
    pipelines,
    deployments,
    packages,
    remoteSecrets,
    rollouts,
    loop,
    status,
    addSurfaces: (app: FastifyInstance) =>
      addMlflowSurface(app, { experiments, registry, webhooks, log, modes: modesOf(parts.settings) }),
    async start(): Promise<void> {
      jobs.start(log);
      watermarks.start(log);
      await runner.start();
      webhookWorker.start();
      await loop.engine.start();
      rolloutEngine.start();
      monitorSchedule.start();
      runWatch.start();
      purges.start();
      feedback.start();
      erasures.start();
    },
    async stop(): Promise<void> {
      erasures.stop();
      purges.stop();
      runWatch.stop();
      monitorSchedule.stop();
      await rolloutEngine.stop();
      await loop.engine.stop();
      await runner.stop();
      await webhookWorker.stop();
      watermarks.stop();
      jobs.stop();
      await serving.close();
      await feedback.close();
    },
  };
}

function modesOf({ serveArtifacts, artifactsOnly, staticPrefix }: Settings) {
  return { serveArtifacts, artifactsOnly, pathPrefix: staticPrefix };
}
