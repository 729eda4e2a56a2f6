import { randomBytes } from 'node:crypto';
import { fail } from '../../core/errors.ts';
import type { Digest } from '../../core/json.ts';
import { type PackageManifest, packageManifestSchema } from '../../core/model-package.ts';
import { parseInput } from '../../core/schema.ts';
import type { Clock } from '../../core/time.ts';
import type { Actor } from '../../platform/access/index.ts';
import type { BlobStore } from '../../platform/blobs/index.ts';
import type { Database, Tx } from '../../platform/db/index.ts';
import type { Journal } from '../../platform/journal/index.ts';
import { type EndpointRoute, type RouteAction, servingEvents } from './contract.ts';
import type { NamedTarget, Target } from './route-changes.ts';
import type { ServingStore, StoredEndpoint } from './store.ts';

/** A version of a registered model, by its number as number or text, and its package; throws where it has none. */
export type PackagedLookup = (
  model: string,
  version: string | number,
) => Promise<{ readonly version: number; readonly digest: Digest }>;

export interface RouteWriterOptions {
  readonly db: Database;
  readonly journal: Journal;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly packaged: PackagedLookup;
}

/** Who changes a route, how, and why. `evidence` goes to the event and the audit entry. */
export interface RouteChange {
  readonly actor: Actor;
  readonly action: RouteAction;
  readonly reason: string;
  /** Type of the event; the action's own unless given. */
  readonly event?: string;
  readonly evidence?: unknown;
}

/** What of the route becomes different, or null when nothing does. */
export type Compute = (
  route: EndpointRoute,
  tx: Tx,
) => Promise<Partial<EndpointRoute> | null> | Partial<EndpointRoute> | null;

/** Signalled after each committed change. */
export const routesTopic = 'serving-routes';

/** Changes routes: each change is one transaction with its event and audit entry, and gets the next version. */
export class RouteWriter {
  readonly #options: RouteWriterOptions;
  readonly #store: ServingStore;

  constructor(options: RouteWriterOptions, store: ServingStore) {
    this.#options = options;
    this.#store = store;
  }

  /** Runs a transaction in which nobody else changes routes. */
  exclusively<T>(act: (tx: Tx) => Promise<T>): Promise<T> {
    const { db } = this.#options;
    return db.write(async (tx) => {
      await this.#store.lockRoutes(tx, db.dialect);
      return act(tx);
    });
  }

  /** Changes an endpoint's route; a change to what is so already writes nothing. Throws `not_found`. */
  change(name: string, change: RouteChange, compute: Compute): Promise<StoredEndpoint> {
    return this.exclusively((tx) => this.changeIn(tx, name, change, compute));
  }

  /** The same within a transaction of `exclusively`. */
  async changeIn(tx: Tx, name: string, change: RouteChange, compute: Compute): Promise<StoredEndpoint> {
    const before = await this.known(name, tx);
    const different = await compute(before.route, tx);
    if (!different) return before;
    return this.write(tx, change, before.route, { ...before.route, ...different }, before.createdAtMs);
  }

  /** Writes a route as the next version. */
  async write(
    tx: Tx,
    { actor, action, reason, event, evidence }: RouteChange,
    before: EndpointRoute | null,
    after: EndpointRoute,
    createdAtMs?: number,
  ): Promise<StoredEndpoint> {
    const { db, journal, clock } = this.#options;
    const nowMs = clock.nowMs();
    const route = { ...after, routeVersion: await this.#store.nextVersion(tx) };
    const stored = {
      route,
      createdAtMs: createdAtMs ?? nowMs,
      updatedAtMs: nowMs,
      // Any later change brings it back.
      retiredAtMs: action === 'retire' ? nowMs : null,
    };
    await this.#store.putRoute(tx, stored, { action, actor: `${actor.kind}:${actor.id}`, reason });
    const subject = { kind: 'endpoint', id: route.endpoint };
    const { routeVersion, arms, shadow } = route;
    const told = evidence === undefined ? {} : { evidence };
    await journal.appendEvent(tx, {
      type: event ?? eventTypes[action],
      subject,
      data: { action, routeVersion, arms, shadow, reason, ...told },
    });
    await journal.appendAudit(tx, {
      actor,
      action: `serving:${action}`,
      subject,
      before: before && summary(before, action),
      after: { ...summary(route, action), ...told },
      reason,
    });
    db.signal(routesTopic);
    return stored;
  }

  /** Throws `not_found`. */
  async known(name: string, tx?: Tx): Promise<StoredEndpoint> {
    const stored = await this.#store.endpoint(name, tx);
    if (!stored) throw fail('not_found', { kind: 'endpoint', id: name, list: '/api/v1/endpoints' });
    return stored;
  }

  /**
   * The version of the model with its package, which is the registry's unless it is given. Throws `version_unknown`,
   * `version_not_packaged`, and what is wrong with the package: traffic is sent to none that cannot be read.
   */
  async target<T extends NamedTarget>(model: string, named: T): Promise<T & Target> {
    const target = { ...named, ...(await this.#packaged(model, named)) };
    await this.#requirePackage(target.packageDigest);
    return target;
  }

  async #packaged(model: string, { modelVersion, packageDigest }: NamedTarget): Promise<Target> {
    if (packageDigest !== undefined) return { modelVersion: String(modelVersion), packageDigest };
    const { version, digest } = await this.#options.packaged(model, modelVersion);
    return { modelVersion: String(version), packageDigest: digest };
  }

  /** Names of the inputs of a package that was deployed. */
  async inputsOf(digest: Digest): Promise<readonly string[]> {
    const { signature } = await this.#requirePackage(digest);
    return signature.inputs.map(({ name }) => name);
  }

  async #requirePackage(digest: Digest): Promise<PackageManifest> {
    const bytes = await this.#options.blobs.bytes(digest);
    let manifest: unknown;
    try {
      manifest = JSON.parse(bytes.toString('utf8'));
    } catch (cause) {
      throw fail(
        'invalid_input',
        { field: 'packageDigest', problem: `blob ${digest} is not a model package` },
        cause,
      );
    }
    return parseInput(packageManifestSchema, manifest, 'package');
  }
}

const { endpointRouted, endpointPromoted } = servingEvents;
const eventTypes: Readonly<Record<RouteAction, string>> = {
  declare: servingEvents.endpointDeclared,
  deploy: endpointRouted,
  challenge: endpointRouted,
  weight: endpointRouted,
  split: endpointRouted,
  standby: endpointRouted,
  override: endpointRouted,
  shadow: endpointRouted,
  withdraw: endpointRouted,
  promote: endpointPromoted,
  switch: endpointPromoted,
  rollback: servingEvents.endpointRolledBack,
  retire: servingEvents.endpointRetired,
};

export function newSalt(): string {
  return randomBytes(6).toString('hex');
}

/** What of a route the audit trail keeps: who had how much of the traffic, and of a declaration what it declared. */
function summary(
  { model, routeVersion, arms, shadow, entityFeature, eventTimeFeature, options }: EndpointRoute,
  action: RouteAction,
) {
  const shares = Object.fromEntries(arms.map((a) => [a.arm, { version: a.modelVersion, weight: a.weight }]));
  const traffic = { model, routeVersion, arms: shares, shadow: shadow?.modelVersion ?? null };
  return action === 'declare' ? { ...traffic, entityFeature, eventTimeFeature, options } : traffic;
}
