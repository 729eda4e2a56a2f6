import { fail } from '../core/errors.ts';
import type { Digest } from '../core/json.ts';
import { parseInput } from '../core/schema.ts';
import type { Pipelines, StepRun } from '../lifecycle/pipelines/index.ts';
import { type Actor, authorize, systemActor } from '../platform/access/index.ts';
import type { Database } from '../platform/db/index.ts';
import { type Deployment, type DeployVersionInput, loopNameSchema } from './contract.ts';

/** A registered version, as far as deploying it by hand needs it. */
interface DeployableVersion {
  /** Digest of its package; null until it is packaged. */
  readonly digest: Digest | null;
  readonly modelId: string | null;
}

/** The slices' front doors for deployments without a loop. Each may be called again with the same arguments. */
export interface DeploymentPorts {
  /** Throws `version_unknown`. */
  version(model: string, version: number): Promise<DeployableVersion>;
  /** Inputs of the step kind `package` for a logged model. */
  packageInputs(model: string, modelId: string, runtime: DeployVersionInput['runtime']): Promise<unknown>;
  /** What computes a package. */
  runtimeOf(digest: Digest): Promise<string>;
  /** The package's digest in the step's outputs, attached to the version. */
  attach(target: { model: string; version: number; modelId: string }, outputs: unknown): Promise<Digest>;
  /**
   * Declares the endpoint, gives the version all its traffic, and waits until the connected replicas answer by it,
   * for some time: `loading` are those that still load it then. Throws `replicas_behind` where one cannot.
   */
  deploy(
    actor: Actor,
    to: { endpoint: string; model: string; version: number; digest: Digest },
    reason: string,
  ): Promise<{ readonly routeVersion: number; readonly loading: readonly string[] }>;
}

/** Serving alone: what a script registered is packaged and answers at an endpoint, with no loop around it. */
export class DeploymentService {
  readonly #db: Database;
  readonly #pipelines: Pick<Pipelines, 'list' | 'start'>;
  readonly #ports: DeploymentPorts;

  constructor(db: Database, pipelines: Pick<Pipelines, 'list' | 'start'>, ports: DeploymentPorts) {
    this.#db = db;
    this.#pipelines = pipelines;
    this.#ports = ports;
  }

  /**
   * Takes the next step towards a deployment and tells where it stands; asking again until it says `deployed` (or
   * `packaged`, where no more is wanted) or tells a `failure` is all there is to it, so nothing is lost when either
   * side stops in between. After a packaging that failed the next request tries anew, and tells how that one failed.
   * Throws `invalid_input` for what cannot be the name of an endpoint, `version_unknown`, `version_not_logged`, and
   * `version_packaged` where another runtime is asked for than the one that the version was packaged for.
   */
  async deploy(actor: Actor, input: DeployVersionInput): Promise<Deployment> {
    authorize(actor, 'serving:write');
    const { model, version, reason, endpoint = model, runtime } = input;
    const found = await this.#ports.version(model, version);
    // A model may have a name that no endpoint can have.
    if (!input.packageOnly) parseInput(loopNameSchema, endpoint, 'endpoint');
    const target = { model, version, endpoint, loading: [] };
    let { digest } = found;
    let stepRunId: string | null = null;
    const failure = null;
    if (digest !== null && runtime !== undefined && runtime !== 'auto') {
      const packaged = await this.#ports.runtimeOf(digest);
      if (packaged !== runtime) throw fail('version_packaged', { model, version, packaged, runtime });
    }
    if (digest === null) {
      if (found.modelId === null) throw fail('version_not_logged', { model, version });
      const step = await this.#package(model, version, found.modelId, runtime);
      stepRunId = step.id;
      if (step.outputs === null) {
        return { ...target, state: 'packaging', stepRunId, failure: step.failure, routeVersion: null };
      }
      digest = await this.#ports.attach({ model, version, modelId: found.modelId }, step.outputs);
    }
    if (input.packageOnly) return { ...target, state: 'packaged', stepRunId, failure, routeVersion: null };
    const to = { model, version, endpoint, digest };
    const { routeVersion, loading } = await this.#ports.deploy(actor, to, reason);
    const state = loading.length > 0 ? 'loading' : 'deployed';
    return { ...target, state, stepRunId, failure, routeVersion, loading: [...loading] };
  }

  async #package(model: string, version: number, modelId: string, runtime: DeployVersionInput['runtime']) {
    const subject = `${model}/${version}`;
    const [newest, earlier] = await this.#pipelines.list(systemActor, { subject, kind: 'package', limit: 2 });
    if (newest?.status === 'succeeded') {
      return { id: newest.id, outputs: newest.outputs as unknown, failure: null };
    }
    if (newest?.status === 'queued' || newest?.status === 'running') {
      return { id: newest.id, outputs: null, failure: failureOf(earlier) };
    }
    const inputs = await this.#ports.packageInputs(model, modelId, runtime);
    const key = `deployment/${subject}/${newest?.id ?? 'first'}`;
    const id = await this.#db.write((tx) =>
      this.#pipelines.start(tx, { kind: 'package', inputs, subject, key }),
    );
    return { id, outputs: null, failure: failureOf(newest) };
  }
}

function failureOf(step: StepRun | undefined): Deployment['failure'] {
  if (step?.status !== 'failed') return null;
  const { code = 'internal', message = step.status } = step.error ?? {};
  return { stepRunId: step.id, code, message };
}
