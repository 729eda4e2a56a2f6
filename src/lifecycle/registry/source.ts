import { resolve } from 'node:path';
import { MillraceError } from '../../core/errors.ts';
import type { Actor } from '../../platform/access/index.ts';
import { type Experiments, invalidParameter } from '../experiments/index.ts';

/** What a client said a new version is made of. Undefined: it did not say. */
interface ClaimedSource {
  readonly source: string;
  readonly runId: string | undefined;
  readonly modelId: string | undefined;
}

export interface ResolvedSource {
  readonly source: string;
  readonly storageLocation: string;
  readonly runId: string | null;
  readonly modelId: string | null;
}

/** Finds a version that `models:/name/3` or `models:/name@alias` names. */
type FindVersion = (uri: string) => Promise<ResolvedSource>;

/**
 * Checks that a version's source belongs to the run or logged model that it names, and finds where the files
 * really lie. Paths that try to leave their root are refused in every encoding, and so are paths on the
 * server's own disk outside the artifacts of that run or model. A source below a run or experiment that this
 * server does not have is nobody's, and taken as it is. Texts are MLflow's (mlflow/server/handlers.py).
 */
export async function resolveSource(
  experiments: Experiments,
  actor: Actor,
  claimed: ClaimedSource,
  findVersion: FindVersion,
): Promise<ResolvedSource> {
  const { source } = claimed;
  const modelId = claimed.modelId || null;
  const runId = claimed.runId || null;
  const registered = /^models:\/+(?!m-[0-9a-f]+\/?$)[^/@]+[/@][^/]+$/.test(source);
  if (registered) return fromVersion(claimed, await findVersion(source));
  const idName = modelId ? 'model_id' : 'run_id';
  const refuse = (name: string): Error =>
    invalidParameter(
      `Invalid model version source: '${source}'. The ${name} request parameter must identify the resource that contains the source.`,
    );
  const rootOfModel = async (id: string) =>
    (await known(experiments.models.get(actor, id), refuse('model_id'))).artifactUri;
  const rootOfRun = async (id: string) =>
    (await known(experiments.runs.get(actor, id), refuse('run_id'))).artifactUri;
  if (isLocal(source)) {
    const owner = modelId ? await rootOfModel(modelId) : runId ? await rootOfRun(runId) : null;
    if (owner !== null && isLocal(owner) && isBelow(localPath(source), localPath(owner))) {
      return { source, storageLocation: source, runId, modelId };
    }
    const shown = owner === null ? source : localPath(source);
    throw invalidParameter(
      `Invalid model version source: '${shown}'. To use a local path as a model version source, the ${idName} request parameter has to be specified and the local path has to be contained within the artifact directory of the run specified by the ${idName}.`,
    );
  }
  refuseRelativeParts(source);
  const scheme = /^([a-z0-9+.-]+):/i.exec(source)?.[1]?.toLowerCase();
  const namedModel = scheme === 'models' ? (/^models:\/+(m-[^/]+)/.exec(source)?.[1] ?? null) : null;
  if (scheme === 'models' && namedModel !== modelId) throw refuse('model_id');
  const model =
    modelId === null ? null : await known(experiments.models.get(actor, modelId), refuse('model_id'));
  const namedRun = scheme === 'runs' ? (/^runs:\/+([^/]+)/.exec(source)?.[1] ?? '') : null;
  const rootOfNamed = namedRun === null ? null : await rootIfKnown(experiments, actor, namedRun);
  if (rootOfNamed !== null && (modelId !== null || namedRun !== runId)) throw refuse(idName);
  if (isProxied(source) && isOfExperiment(source)) {
    const owner = model?.artifactUri ?? (runId === null ? null : await rootOfRun(runId));
    if (owner === null || !isWithin(source, owner)) throw refuse(idName);
  }
  const inRun = rootOfNamed === null ? source : source.replace(/^runs:\/+[^/]+/, rootOfNamed);
  return {
    source,
    storageLocation: namedModel !== null && model ? model.artifactUri : inRun,
    runId: runId ?? model?.sourceRunId ?? null,
    modelId,
  };
}

function fromVersion(claimed: ClaimedSource, found: ResolvedSource): ResolvedSource {
  const differs = (a: string | undefined, b: string | null): boolean => a !== undefined && a !== (b ?? '');
  if (differs(claimed.runId, found.runId) || differs(claimed.modelId, found.modelId)) {
    throw invalidParameter(
      `Invalid model version source: '${claimed.source}'. The run_id and model_id request parameters must match the referenced model version.`,
    );
  }
  return found;
}

async function known<T>(looking: Promise<T>, refusal: Error): Promise<T> {
  try {
    return await looking;
  } catch (error) {
    throw error instanceof MillraceError && error.status === 404 ? refusal : error;
  }
}

async function rootIfKnown(experiments: Experiments, actor: Actor, runId: string): Promise<string | null> {
  try {
    return (await experiments.runs.get(actor, runId)).artifactUri;
  } catch (error) {
    if (error instanceof MillraceError && error.status < 500) return null;
    throw error;
  }
}

function localPath(source: string): string {
  const path = source.replace(/^file:(\/\/[^/]*)?/i, '');
  try {
    return resolve(decodeURIComponent(path));
  } catch {
    return resolve(path);
  }
}

function isBelow(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/** Proxied artifacts of runs and models lie below the id of their experiment. */
function isOfExperiment(source: string): boolean {
  const [first = ''] = proxiedParts(source);
  return first === '' || /^\d+$/.test(first);
}

function isLocal(source: string): boolean {
  return /^file:/i.test(source) || !/^[a-z0-9+.-]+:/i.test(source);
}

function isProxied(source: string): boolean {
  return (
    /^mlflow-artifacts:/i.test(source) ||
    /^https?:\/\/.*\/api\/2\.0\/mlflow-artifacts\/artifacts(\/|$)/i.test(source)
  );
}

function refuseRelativeParts(source: string): void {
  let decoded = source;
  for (let before = ''; before !== decoded; ) {
    before = decoded;
    decoded = decoded
      .replaceAll('+', ' ')
      .replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
  }
  if (!decoded.includes('\0') && !decoded.split('/').some((part) => part === '..' || part === '.')) return;
  throw invalidParameter(
    `Invalid model version source: '${source}'. If supplying a source as an http, https, local file path, ftp, objectstore, or mlflow-artifacts uri, an absolute path must be provided without relative path references present. Please provide an absolute path.`,
  );
}

function isWithin(source: string, root: string): boolean {
  const rootParts = proxiedParts(root);
  const sourceParts = proxiedParts(source);
  return rootParts.length > 0 && rootParts.every((part, i) => sourceParts[i] === part);
}

function proxiedParts(uri: string): readonly string[] {
  return uri
    .replace(/^mlflow-artifacts:(\/\/[^/]*)?/i, '')
    .replace(/^https?:\/\/.*\/api\/2\.0\/mlflow-artifacts\/artifacts/i, '')
    .split('/')
    .filter((part) => part !== '');
}
