import { MillraceError } from '../core/errors.ts';
import { canonicalJson, type Digest } from '../core/json.ts';
import { parseDuration, parseTime } from '../core/time.ts';
import { type EvaluationService, evaluateOutputsSchema } from '../lifecycle/evaluation/index.ts';
import type { Experiments } from '../lifecycle/experiments/index.ts';
import type { AlertKind } from '../lifecycle/monitoring/index.ts';
import {
  CHALLENGER,
  CHAMPION,
  REFIT_TAG,
  type RegisteredModelRecord,
  type Registry,
  type VersionRecord,
} from '../lifecycle/registry/index.ts';
import { packageOutputsSchema, type ServingService } from '../lifecycle/serving/index.ts';
import { behindText, type LoopPorts, observe } from '../loop/index.ts';
import { systemActor as actor } from '../platform/access/index.ts';
import type { BlobStore } from '../platform/blobs/index.ts';
import type { Database } from '../platform/db/index.ts';
import { signatureOf } from './deployment-ports.ts';
import type { LoopSlices } from './loop-slices.ts';
import { requirePackaged } from './packaged-version.ts';
import { rolloutAliases, rolloutLog } from './rollout-deps.ts';

type PackagedVersion = Awaited<ReturnType<LoopPorts['registry']['version']>>;
const manyVersions = 10_000;
const manyAlerts = 1_000;
type DeployTarget = Parameters<LoopPorts['serving']['deploy']>[0];

/** The slices' front doors in the shape that the loop asks for. */
export function createLoopPorts(slices: LoopSlices): LoopPorts {
  const { data, blobs } = slices;
  return {
    data: {
      version: (id) => data.version(actor, id),
      find: async (dataset, number) => {
        const versions = await data.versions(actor, {
          dataset,
          limit: number === undefined ? 1 : manyVersions,
        });
        const found = number === undefined ? versions[0] : versions.find((v) => v.version === number);
        return found && data.version(actor, found.id);
      },
      requireFit: (id, subject, columns) => data.requireFit(actor, id, subject, columns as never),
    },
    experiments: experimentsPort(slices.experiments),
    registry: registryPort(slices),
    evaluation: evaluationPort(slices.db, slices.evaluations),
    packaging: {
      difference: (digest, other) => signatureDifference(blobs, digest, other),
      stepInputs: async (model, logged, datasetVersionId, holdout) => {
        const { contract } = await data.version(actor, datasetVersionId);
        const files = logged.files.map(({ path, digest }) => ({ path, digest }));
        return { model, files, contract, holdout };
      },
      digestOf: (outputs) => packageOutputsSchema.parse(outputs).digest,
    },
    serving: servingPort(slices.serving),
    monitoring: monitoringPort(slices),
    feedback: {
      observe: (query) => observe(rolloutLog(slices.feedback, slices.frames), query),
      labelCount: async (endpoint) => (await slices.feedback.summary(actor, endpoint)).total.joined,
    },
  };
}

function experimentsPort({ runs, models }: Experiments): LoopPorts['experiments'] {
  return {
    loggedBy: async (stepRunId) => ({
      runIds: (await runs.ofStep(actor, stepRunId)).map((run) => run.id),
      models: (await models.ofStep(actor, stepRunId)).map((model) => ({
        modelId: model.id,
        runId: model.sourceRunId ?? '',
        name: model.name,
        files: model.files,
      })),
    }),
  };
}

function registryPort({ registry, evaluations, blobs }: LoopSlices): LoopPorts['registry'] {
  const aliases = rolloutAliases(registry);
  return {
    champion: async (model) => {
      const alias = (await knownModel(registry, model))?.aliases.find((a) => a.alias === CHAMPION);
      return alias && toPackaged(await registry.getVersion(actor, model, alias.version));
    },
    version: async (model, version) => toPackaged(await registry.getVersion(actor, model, version)),
    register: async (input) => {
      const version = await registry.createVersion(actor, {
        name: input.model,
        digest: input.digest,
        modelId: input.modelId,
        sourceRunId: input.runId,
        datasetVersionId: input.datasetVersionId,
        datasetDigest: input.datasetDigest,
        signature: await signatureOf(blobs, input.digest),
        ...(input.refitOf ? { description: refitText(input.refitOf) } : {}),
      });
      if (input.refitOf) {
        const link = { key: REFIT_TAG, value: String(input.refitOf.version) };
        await registry.setVersionTag(actor, input.model, version.version, link);
      }
      return toPackaged(version);
    },
    recordGates: async (model, version, { evaluationId }) => {
      const { report } = await evaluations.evaluation(actor, evaluationId);
      await registry.recordGates(actor, model, version, { evaluationId, gates: report.gates });
    },
    approve: async (by, model, version, approved, reason) => {
      const decision = approved ? 'approved' : 'rejected';
      try {
        await registry.approve(by, model, version, { decision, reason });
      } catch (error) {
        // Who refuses what was deleted ends the turn; there is nothing left to note it at.
        if (approved || !isUnknown(error)) throw error;
      }
    },
    setChallenger: async (name, version, reason) => {
      if (version === null) {
        // A model that was deleted meanwhile has no challenger any more.
        if (await knownModel(registry, name))
          await registry.clearAlias(actor, { name, alias: CHALLENGER, reason });
      } else await registry.setAlias(actor, { name, alias: CHALLENGER, version, reason });
    },
    promote: async (model, version, reason) => {
      await registry.promote(actor, model, { version, reason });
    },
    giveBack: async (model, version, to, reason) => {
      if (!(await knownModel(registry, model))) return;
      const move = { model, alias: CHAMPION, version, reason };
      try {
        await aliases.giveBack(actor, { ...move, to });
      } catch (error) {
        if (!isUnknown(error)) throw error;
        await aliases.giveBack(actor, { ...move, to: null });
      }
    },
  };
}

/** Whether a model or a version is not there, or not any more. */
function isUnknown(error: unknown): boolean {
  return (
    error instanceof MillraceError &&
    (error.code === 'version_unknown' || error.code === 'registered_model_unknown')
  );
}

function refitText({ version, rows }: { readonly version: number; readonly rows: number }): string {
  return `Version ${version} trained once more by the same settings, on all ${rows.toLocaleString('en-US')} rows. Gates and evaluation are those of version ${version}, which had not seen the hold-out.`;
}

async function knownModel(registry: Registry, name: string): Promise<RegisteredModelRecord | undefined> {
  try {
    return await registry.getModel(actor, name);
  } catch (error) {
    if (isUnknown(error)) return undefined;
    throw error;
  }
}

function toPackaged(version: VersionRecord): PackagedVersion {
  const { version: number, digest, datasetVersionId, evaluationId, signature } = requirePackaged(version);
  return { version: number, digest, datasetVersionId, evaluationId, inputs: signature?.inputs ?? [] };
}

function evaluationPort(db: Database, evaluations: EvaluationService): LoopPorts['evaluation'] {
  return {
    stepInputs: (request) => request,
    read: (outputs) => evaluateOutputsSchema.parse(outputs).report,
    record: async (stepRunId, subject, outputs) => {
      const { report } = evaluateOutputsSchema.parse(outputs);
      await db.write((tx) => evaluations.record(tx, actor, { stepRunId, subject, report }));
      return { evaluationId: stepRunId, verdict: report.verdict, gates: report.gates };
    },
  };
}

/** What two packages are asked or answer differently. */
async function signatureDifference(blobs: BlobStore, digest: Digest, other: Digest): Promise<string | null> {
  const [before, after] = [await signatureOf(blobs, digest), await signatureOf(blobs, other)];
  for (const side of ['inputs', 'outputs'] as const) {
    const [was, is] = [canonicalJson(before[side]), canonicalJson(after[side])];
    if (was !== is) return `its ${side} are ${is}, and were ${was}`;
  }
  return null;
}

function servingPort(serving: ServingService): LoopPorts['serving'] {
  const target = ({ version, digest }: DeployTarget) => ({
    modelVersion: String(version),
    packageDigest: digest,
  });
  return {
    declare: async (name, model) => {
      await serving.declare(actor, { name, model });
    },
    answering: async (endpoint) => {
      const route = await serving.route(endpoint);
      return route && route.arms.length > 0 ? route.model : null;
    },
    champion: async (endpoint) => {
      const { arms } = await serving.endpoint(actor, endpoint);
      const arm = arms.find((a) => a.arm === 'champion');
      return arm ? Number(arm.modelVersion) : null;
    },
    deploy: async (to, reason) => (await serving.deploy(actor, to.endpoint, target(to), reason)).routeVersion,
    mirror: async (to, reason) =>
      (await serving.setShadow(actor, to.endpoint, target(to), reason)).routeVersion,
    split: async (to, { share, mirror, guard }, reason) => {
      const guarded = { ...target(to), guard };
      return (await serving.challenge(actor, to.endpoint, guarded, share, reason, mirror)).routeVersion;
    },
    promote: async (to, reason) => {
      const { arms } = await serving.endpoint(actor, to.endpoint);
      // A promotion that failed took its traffic away; tried again it gives it anew.
      const isThere = arms.some((a) => a.modelVersion === String(to.version));
      const { routeVersion } = isThere
        ? await serving.promote(actor, to.endpoint, reason, String(to.version))
        : await serving.deploy(actor, to.endpoint, target(to), reason);
      return routeVersion;
    },
    withdraw: async (endpoint, reason) => (await serving.withdraw(actor, endpoint, reason)).routeVersion,
    giveBack: async (endpoint, version, reason) => {
      const history = await serving.routeVersions(actor, endpoint, { limit: manyVersions });
      const past = history.find(({ arms }) =>
        arms.some((a) => a.arm === 'champion' && a.modelVersion === String(version)),
      );
      return (await serving.rollback(actor, endpoint, reason, past?.version)).routeVersion;
    },
    lost: async (endpoint, version, what) => {
      const { arms, shadow } = await serving.endpoint(actor, endpoint);
      const places = what === 'copies' ? (shadow ? [shadow] : []) : arms;
      if (places.some((place) => place.modelVersion === String(version))) return null;
      const [last] = await serving.routeVersions(actor, endpoint, { limit: 1 });
      return last?.reason ?? 'the endpoint was changed';
    },
    behind: async (endpoint, version) => behindText(serving.replicas(actor), endpoint, version),
    settled: async (endpoint, version, signal) => {
      await serving.settled(endpoint, version, { signal });
    },
  };
}

function monitoringPort({ db, monitoring }: LoopSlices): LoopPorts['monitoring'] {
  return {
    configure: async (endpoint, { data, monitor }) => {
      const labelDelayMs = parseDuration(data.label.delay, 'data.label.delay');
      await monitoring.configure(actor, endpoint, { ...monitor, labelDelayMs });
    },
    addReference: async (endpoint, { version, datasetVersionId, evaluationId }) => {
      await monitoring.addReference(actor, endpoint, {
        modelVersion: String(version),
        datasetVersionId,
        evaluationId,
      });
    },
    rolloutAborted: (told) => db.write((tx) => monitoring.rolloutAborted(tx, actor, told)),
    rolloutPromoted: (endpoint, version, endedMs) =>
      db.write((tx) =>
        monitoring.rolloutPromoted(tx, actor, { endpoint, modelVersion: String(version), endedMs }),
      ),
    openAlerts: async (endpoint) => {
      const alerts = await monitoring.alerts(actor, { endpoint, state: 'unresolved', limit: manyAlerts });
      return alerts.flatMap(({ id, kind, modelVersion, reason, evidence, openedAt }) => {
        const cause = triggerOf[kind];
        if (!cause) return [];
        const ends = [openedAt, ...evidence.map((e) => e.window.end)].map((time) => parseTime(time));
        return [{ id, cause, modelVersion, reason, lastWindowEndMs: Math.max(...ends) }];
      });
    },
  };
}

/** What a kind of alert asks a loop to retrain for. Errors and slowness are not cured by training, nor is an aborted rollout. */
const triggerOf: Readonly<Record<AlertKind, 'drift' | 'performance' | null>> = {
  'feature-drift': 'drift',
  'score-drift': 'drift',
  'missing-values': 'drift',
  performance: 'performance',
  errors: null,
  refused: null,
  latency: null,
  rollout: null,
  'log-damage': null,
  'replica-away': null,
  'replica-clock': null,
  'replica-hash-key': null,
  restored: null,
};
