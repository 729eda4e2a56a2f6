import { sql } from 'kysely';
import { type Database, type Tx, tables } from '../../platform/db/index.ts';
import {
  type EndpointLife,
  type EndpointRoute,
  endpointOptionsSchema,
  type ReplicaStatus,
  type RouteAction,
  type RouteArm,
  replicaStatusSchema,
  routeActionSchema,
  routeArmSchema,
  type Shadow,
  shadowSchema,
} from './contract.ts';

const armsSchema = routeArmSchema.array();

interface ServingTables {
  endpoints: {
    name: string;
    model: string;
    entity_feature: string | null;
    event_time_feature: string | null;
    options_json: string;
    override_key: string | null;
    route_version: number;
    salt: string;
    arms_json: string;
    shadow_json: string | null;
    created_at_ms: number;
    updated_at_ms: number;
    retired_at_ms: number | null;
  };
  route_versions: {
    version: number;
    endpoint: string;
    action: string;
    actor: string;
    reason: string;
    salt: string;
    arms_json: string;
    shadow_json: string | null;
    created_at_ms: number;
  };
  replicas: {
    id: string;
    status_json: string | null;
    connected_at_ms: number | null;
    seen_at_ms: number | null;
  };
}

/** An endpoint as it is stored: its route and when it was declared, changed and retired (null: it is in service). */
export interface StoredEndpoint {
  readonly route: EndpointRoute;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly retiredAtMs: number | null;
}

export interface StoredRouteVersion {
  readonly version: number;
  readonly endpoint: string;
  readonly action: RouteAction;
  readonly actor: string;
  readonly reason: string;
  readonly salt: string;
  readonly arms: readonly RouteArm[];
  readonly shadow: Shadow | null;
  readonly createdAtMs: number;
}

export interface StoredReplica {
  readonly id: string;
  readonly status: ReplicaStatus | null;
  readonly connectedAtMs: number | null;
  readonly seenAtMs: number | null;
}

/** The only reader and writer of `endpoints`, `route_versions` and `replicas`. */
export class ServingStore {
  readonly #read: Tx;

  constructor(db: Database) {
    this.#read = db.read;
  }

  async endpoint(name: string, tx: Tx = this.#read): Promise<StoredEndpoint | undefined> {
    const row = await tables<ServingTables>(tx)
      .selectFrom('endpoints')
      .selectAll()
      .where('name', '=', name)
      .executeTakeFirst();
    return row && toEndpoint(row);
  }

  /** All endpoints that are meant, or a page of them after a name. */
  async endpoints(
    life: EndpointLife,
    page?: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<readonly StoredEndpoint[]> {
    let query = tables<ServingTables>(this.#read).selectFrom('endpoints').selectAll().orderBy('name');
    if (life !== 'all') query = query.where('retired_at_ms', life === 'retired' ? 'is not' : 'is', null);
    if (page) query = query.limit(page.limit);
    if (page?.after !== undefined) query = query.where('name', '>', page.after);
    return (await query.execute()).map(toEndpoint);
  }

  /** The newest version of any route; 0 before the first. */
  async lastVersion(tx: Tx = this.#read): Promise<number> {
    const row = await tables<ServingTables>(tx)
      .selectFrom('route_versions')
      .select((e) => e.fn.max('version').as('version'))
      .executeTakeFirst();
    return Number(row?.version ?? 0);
  }

  /**
   * The version that the next route gets. Above what any replica ever had, too: rows that were logged under a route
   * which a control restored from an older backup has forgotten must not count for another one.
   */
  async nextVersion(tx: Tx): Promise<number> {
    const known = (await this.replicas(tx)).map(({ status }) => status?.highestVersion ?? 0);
    return Math.max(await this.lastVersion(tx), ...known) + 1;
  }

  /** Writes an endpoint's new state and its place in the history. */
  async putRoute(
    tx: Tx,
    endpoint: StoredEndpoint,
    change: { readonly action: RouteAction; readonly actor: string; readonly reason: string },
  ): Promise<void> {
    const { route, createdAtMs, updatedAtMs, retiredAtMs } = endpoint;
    const state = {
      route_version: route.routeVersion,
      salt: route.salt,
      arms_json: JSON.stringify(route.arms),
      shadow_json: route.shadow && JSON.stringify(route.shadow),
    };
    const described = {
      model: route.model,
      entity_feature: route.entityFeature,
      event_time_feature: route.eventTimeFeature,
      options_json: JSON.stringify(route.options),
      override_key: route.overrideKey ?? null,
      retired_at_ms: retiredAtMs,
    };
    await tables<ServingTables>(tx)
      .insertInto('endpoints')
      .values({
        name: route.endpoint,
        ...described,
        ...state,
        created_at_ms: createdAtMs,
        updated_at_ms: updatedAtMs,
      })
      .onConflict((c) => c.column('name').doUpdateSet({ ...described, ...state, updated_at_ms: updatedAtMs }))
      .execute();
    const { route_version: version, ...arms } = state;
    await tables<ServingTables>(tx)
      .insertInto('route_versions')
      .values({ version, endpoint: route.endpoint, ...change, ...arms, created_at_ms: updatedAtMs })
      .execute();
  }

  /** An endpoint's routes, newest first, before a version. */
  async routeVersions(
    endpoint: string,
    page: { readonly before?: number | undefined; readonly limit: number },
    tx: Tx = this.#read,
  ): Promise<readonly StoredRouteVersion[]> {
    let query = tables<ServingTables>(tx)
      .selectFrom('route_versions')
      .selectAll()
      .where('endpoint', '=', endpoint);
    if (page.before !== undefined) query = query.where('version', '<', page.before);
    return (await query.orderBy('version', 'desc').limit(page.limit).execute()).map(toRouteVersion);
  }

  async replicas(tx: Tx = this.#read): Promise<readonly StoredReplica[]> {
    const rows = await tables<ServingTables>(tx).selectFrom('replicas').selectAll().orderBy('id').execute();
    return rows.map((row) => ({
      id: row.id,
      status: row.status_json === null ? null : replicaStatusSchema.parse(JSON.parse(row.status_json)),
      connectedAtMs: row.connected_at_ms,
      seenAtMs: row.seen_at_ms,
    }));
  }

  async putReplica(tx: Tx, { id, status, connectedAtMs, seenAtMs }: StoredReplica): Promise<void> {
    const row = {
      status_json: status && JSON.stringify(status),
      connected_at_ms: connectedAtMs,
      seen_at_ms: seenAtMs,
    };
    await tables<ServingTables>(tx)
      .insertInto('replicas')
      .values({ id, ...row })
      .onConflict((c) => c.column('id').doUpdateSet(row))
      .execute();
  }

  async deleteReplica(tx: Tx, id: string): Promise<void> {
    await tables<ServingTables>(tx).deleteFrom('replicas').where('id', '=', id).execute();
  }

  /** Makes other writers of routes wait: on Postgres two of them could else draw the same version. */
  async lockRoutes(tx: Tx, dialect: Database['dialect']): Promise<void> {
    if (dialect === 'postgres') await sql`LOCK TABLE route_versions IN SHARE ROW EXCLUSIVE MODE`.execute(tx);
  }
}

function toEndpoint(row: ServingTables['endpoints']): StoredEndpoint {
  return {
    route: {
      endpoint: row.name,
      model: row.model,
      routeVersion: row.route_version,
      salt: row.salt,
      entityFeature: row.entity_feature,
      eventTimeFeature: row.event_time_feature,
      options: endpointOptionsSchema.parse(JSON.parse(row.options_json)),
      arms: armsSchema.parse(JSON.parse(row.arms_json)),
      shadow: row.shadow_json === null ? null : shadowSchema.parse(JSON.parse(row.shadow_json)),
      ...(row.override_key === null ? {} : { overrideKey: row.override_key }),
    },
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    retiredAtMs: row.retired_at_ms,
  };
}

function toRouteVersion(row: ServingTables['route_versions']): StoredRouteVersion {
  return {
    version: row.version,
    endpoint: row.endpoint,
    action: routeActionSchema.parse(row.action),
    actor: row.actor,
    reason: row.reason,
    salt: row.salt,
    arms: armsSchema.parse(JSON.parse(row.arms_json)),
    shadow: row.shadow_json === null ? null : shadowSchema.parse(JSON.parse(row.shadow_json)),
    createdAtMs: row.created_at_ms,
  };
}
