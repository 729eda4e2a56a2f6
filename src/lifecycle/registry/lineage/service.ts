import { fail, MillraceError } from '../../../core/errors.ts';
import { formatTime } from '../../../core/time.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Database } from '../../../platform/db/index.ts';
import type { Experiments, RunRecord } from '../../experiments/index.ts';
import type { Lineage } from '../contract/lineage.ts';
import type { VersionRecord } from '../records.ts';
import { judgedInsteadOf } from '../refit.ts';
import { oneVersionOf } from '../service/context.ts';
import { firstOfPackages, refittedFrom, versionsFrom } from '../store/lineage.ts';
import { Graph } from './graph.ts';
import type { LineagePorts } from './ports.ts';

interface LineageDeps {
  readonly db: Database;
  readonly experiments: Experiments;
  readonly ports: LineagePorts;
}

/** More than this of one kind is cut off. */
const most = 200;
/** Copies of copies, and models trained on from models, are followed so far. */
const deepest = 10;

const contextTag = 'mlflow.data.context';

/** Where versions come from and where they went, by what every part has recorded. */
export function createLineage(deps: LineageDeps) {
  const { db, experiments, ports } = deps;

  /** The data that a run read, and the models it went on from. */
  const addRun = async (graph: Graph, actor: Actor, run: RunRecord, depth: number): Promise<string> => {
    const isNew = !graph.has('run', run.id);
    const id = graph.add('run', run.id, {
      title: run.name,
      reference: run.id,
      digest: null,
      at: formatTime(run.startTimeMs),
      facts: [
        { name: 'status', value: run.status },
        { name: 'user', value: run.userId },
      ],
    });
    if (!isNew) return id;
    for (const { dataset, tags } of run.inputs) {
      const context = tags.find(({ key }) => key === contextTag)?.value ?? 'input';
      graph.link(await addDataset(graph, actor, dataset.digest, dataset.name), id, context);
    }
    for (const modelId of run.modelInputs) {
      const model = await addModel(graph, actor, modelId, depth + 1);
      if (model) graph.link(model, id, 'input');
    }
    return id;
  };

  const addDataset = async (graph: Graph, actor: Actor, reference: string, name: string): Promise<string> => {
    const known = await ports.dataset(actor, reference);
    return graph.add('dataset', known?.digest ?? reference, {
      title: known?.title ?? name,
      reference: known?.id ?? null,
      digest: known?.digest ?? reference,
      at: known?.registeredAt ?? null,
      facts: known ? [{ name: 'rows', value: String(known.rows) }] : [],
    });
  };

  const addModel = async (
    graph: Graph,
    actor: Actor,
    modelId: string,
    depth: number,
  ): Promise<string | undefined> => {
    const model = await present(experiments.models.get(actor, modelId));
    if (!model) return undefined;
    const isNew = !graph.has('logged-model', modelId);
    const id = graph.add('logged-model', modelId, {
      title: model.name,
      reference: modelId,
      digest: null,
      at: formatTime(model.createdAtMs),
      facts: [{ name: 'status', value: model.status }],
    });
    if (!isNew || depth > deepest || !model.sourceRunId) return id;
    const run = await present(experiments.runs.get(actor, model.sourceRunId));
    if (run) graph.link(await addRun(graph, actor, run, depth), id, 'logged');
    return id;
  };

  /** A version by itself. */
  const addVersion = (graph: Graph, version: VersionRecord): string => {
    const key = keyOf(version);
    const aliases =
      version.aliases.length > 0 ? [{ name: 'aliases', value: version.aliases.join(', ') }] : [];
    return graph.add('model-version', key, {
      title: key,
      reference: key,
      digest: version.digest,
      at: formatTime(version.createdAtMs),
      facts: [{ name: 'stage', value: version.stage }, ...aliases],
    });
  };

  /** Where a version is deployed now. */
  const addDeployments = async (
    graph: Graph,
    actor: Actor,
    id: string,
    version: VersionRecord,
  ): Promise<void> => {
    for (const deployment of await ports.deployments(actor, version.name)) {
      const { endpoint, arm, weight, digest } = deployment;
      if (Number(deployment.version) !== version.version && digest !== version.digest) continue;
      const share = weight === null ? 'copies only' : `${Math.round(weight * 1000) / 10} %`;
      const facts = [{ name: 'traffic', value: share }];
      const node = graph.add('endpoint', endpoint, {
        title: endpoint,
        reference: endpoint,
        digest: null,
        at: null,
        facts: arm === 'champion' ? [] : facts,
      });
      graph.link(id, node, weight === null || weight === 1 ? arm : `${arm} ${share}`);
    }
  };

  /** What was made of a version, with where it is deployed. */
  const addNext = async (graph: Graph, actor: Actor, from: string, version: VersionRecord, label: string) => {
    const id = addVersion(graph, version);
    graph.link(from, id, label);
    await addDeployments(graph, actor, id, version);
  };

  /** A version with everything that it came from. */
  const addAncestry = async (
    graph: Graph,
    actor: Actor,
    version: VersionRecord,
    depth = 0,
  ): Promise<string> => {
    const id = addVersion(graph, version);
    const copied = /^models:\/+([^/@]+)\/(\d+)$/.exec(version.source);
    const origin =
      copied === null || depth > deepest
        ? undefined
        : await oneVersionOf(db.read, copied[1] ?? '', Number(copied[2]));
    if (origin) graph.link(await addAncestry(graph, actor, origin, depth + 1), id, 'copied');
    const judged = judgedInsteadOf(version);
    const first =
      judged === null || depth > deepest ? undefined : await oneVersionOf(db.read, version.name, judged);
    if (first) graph.link(await addAncestry(graph, actor, first, depth + 1), id, 'refit');
    const parts = version.digest === null || depth > deepest ? [] : await ports.graphParts(version.digest);
    for (const part of await firstOfPackages(db.read, parts)) {
      graph.link(await addAncestry(graph, actor, part, depth + 1), id, 'part');
    }
    const { modelId, sourceRunId, datasetDigest, datasetVersionId } = version;
    const model = modelId === null ? undefined : await addModel(graph, actor, modelId, depth);
    if (model) graph.link(model, id, 'registered');
    const run = sourceRunId === null ? undefined : await present(experiments.runs.get(actor, sourceRunId));
    const runNode = run && (await addRun(graph, actor, run, depth));
    if (runNode && !model) graph.link(runNode, id, 'registered');
    const data = datasetVersionId ?? datasetDigest;
    if (data !== null) {
      graph.link(await addDataset(graph, actor, data, 'dataset'), runNode ?? id, 'training');
    }
    return id;
  };

  /** Versions with those of the same runs and with their copies, `most` of them. */
  const descendants = async (found: readonly VersionRecord[]): Promise<readonly VersionRecord[]> => {
    const all = new Map(found.map((version) => [keyOf(version), version]));
    for (let fresh = found; fresh.length > 0 && all.size < most; ) {
      const sources = fresh.map((version) => `models:/${keyOf(version)}`);
      const runIds = fresh.flatMap(({ sourceRunId }) => (sourceRunId === null ? [] : [sourceRunId]));
      const next = await versionsFrom(db.read, { sources, runIds }, most);
      fresh = next.filter((version) => !all.has(keyOf(version)));
      for (const version of fresh) all.set(keyOf(version), version);
    }
    return [...all.values()].slice(0, most);
  };

  return {
    /** Where a version comes from, and its copies and deployments. Throws `version_unknown`. */
    async ofVersion(actor: Actor, name: string, number: number): Promise<Lineage> {
      authorize(actor, 'read');
      const version = await oneVersionOf(db.read, name, number);
      if (!version) throw fail('version_unknown', { name, version: number });
      const graph = new Graph();
      const subject = await addAncestry(graph, actor, version);
      await addDeployments(graph, actor, subject, version);
      const copies = await versionsFrom(db.read, { sources: [`models:/${name}/${number}`] }, most + 1);
      for (const copy of copies.slice(0, most)) await addNext(graph, actor, subject, copy, 'copied');
      for (const refit of await refittedFrom(db.read, version)) {
        await addNext(graph, actor, subject, refit, 'refit');
      }
      return graph.lineage(subject, copies.length > most);
    },

    /**
     * The runs and versions that came from a dataset, and where those are deployed.
     *
     * @param reference id of a dataset version, or the digest of any dataset that runs have read
     */
    async ofDataset(actor: Actor, reference: string): Promise<Lineage> {
      authorize(actor, 'read');
      const known = await ports.dataset(actor, reference);
      const graph = new Graph();
      const subject = await addDataset(graph, actor, reference, reference);
      const digest = known?.digest ?? reference;
      const filter = `dataset.digest = '${digest}'`;
      const readable = /^[\w:.-]+$/.test(digest);
      const runs = readable
        ? (await experiments.runs.search(actor, { experimentIds: null, filter, limit: most })).items
        : [];
      for (const run of runs) await addRun(graph, actor, run, deepest);
      const from = { runIds: runs.map((run) => run.id), datasetId: known?.id, datasetDigest: digest };
      const versions = await descendants(await versionsFrom(db.read, from, most));
      for (const version of versions) {
        await addDeployments(graph, actor, await addAncestry(graph, actor, version), version);
      }
      return graph.lineage(subject, runs.length >= most || versions.length >= most);
    },
  };
}

export type RegistryLineage = ReturnType<typeof createLineage>;

function keyOf({ name, version }: VersionRecord): string {
  return `${name}/${version}`;
}

/** What is not there any more is not known; every other fault is a fault. */
async function present<T>(looking: Promise<T>): Promise<T | undefined> {
  try {
    return await looking;
  } catch (error) {
    if (error instanceof MillraceError && error.status === 404) return undefined;
    throw error;
  }
}
