import { z } from 'zod';
import { digestSchema } from '../../core/model-types.ts';
import { actorKinds } from '../../platform/access/index.ts';
import { type Tx, tables } from '../../platform/db/index.ts';
import { clockMarkSchema } from '../clock-steps.ts';
import {
  endpointRolloutSchema,
  type RolloutState,
  rolloutPastLookSchema,
  rolloutSpecSchema,
  rolloutStateSchema,
} from '../contract.ts';

/**
 * Something that was decided about a rollout and changes more than its row: traffic, an alias. It is written first, so
 * that after a crash amid it the rest is done.
 */
const rolloutIntentSchema = z.object({
  action: z.enum(['start', 'advance', 'weights', 'promote', 'rollback', 'abort']),
  actor: z.object({ kind: z.enum(actorKinds), id: z.string() }),
  reason: z.string(),
  /** `promote`, `rollback`: the arm that becomes, or is, the champion. */
  arm: z.string().nullable(),
  /** `promote`: where the alias pointed before. */
  aliasFrom: z.int().nullable(),
  /** `advance`: whether all that the plan names was proved before. */
  isProved: z.boolean(),
});
export type RolloutIntent = z.output<typeof rolloutIntentSchema>;

/** What is kept of a rollout beside its state, as JSON. */
const rolloutDataSchema = endpointRolloutSchema
  .pick({
    model: true,
    championVersion: true,
    step: true,
    look: true,
    bandit: true,
    decisions: true,
    reason: true,
  })
  .extend({
    /** Left out by rollouts of before looks were kept. */
    looks: z.array(rolloutPastLookSchema).readonly().default([]),
    /** Left out by rollouts of before this was kept. */
    earlier: endpointRolloutSchema.shape.earlier.readonly().default([]),
    spec: rolloutSpecSchema,
    championDigest: digestSchema,
    /** The arms that are not the champion. */
    targets: z.array(z.object({ arm: z.string(), version: z.string(), digest: digestSchema })).readonly(),
    /** The first route of the rollout: rows of earlier ones say nothing. */
    firstRouteVersion: z.int(),
    /** Event times: when it began, when a bandit last changed its shares, and until when its version cools down. */
    beganEventMs: z.number().nullable(),
    weighedAtMs: z.number().nullable(),
    /** The alias that its promotion moved, and where it pointed before (null: nowhere); null: none was moved. */
    movedAlias: z.object({ alias: z.string(), from: z.int().nullable() }).nullable(),
    endedAtMs: z.number().nullable(),
    /** Of one that has ended: until when its last rows come in, on control's clock; null: it is counted to its end. */
    countsUntilMs: z.number().nullable().default(null),
    coolUntilMs: z.number().nullable(),
    /** The clock that its times are by; null: of before this was kept, or it cannot be told after a restart. */
    clock: clockMarkSchema.nullable().default(null),
    /** null: nothing is half done. */
    intent: rolloutIntentSchema.nullable().default(null),
  });
/** What is kept of a rollout beside its state. */
export type RolloutData = z.output<typeof rolloutDataSchema>;

/** A rollout as it is kept; `revision` counts its changes, so that none is overwritten unseen. */
export interface RolloutRecord {
  readonly id: string;
  readonly endpoint: string;
  readonly state: RolloutState;
  readonly revision: number;
  readonly data: RolloutData;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

interface RolloutTables {
  rollouts: {
    id: string;
    endpoint: string;
    state: string;
    revision: number;
    data: string;
    /** 1: something was decided about it that is not done to its end, which `data` tells. */
    is_interrupted: number;
    /** 1: it has ended, and its last rows are still coming in. */
    is_uncounted: number;
    created_at_ms: number;
    updated_at_ms: number;
  };
}

/** States of rollouts that have not ended. */
export const openStates: readonly RolloutState[] = ['running', 'paused', 'ready'];

/** Adds a rollout. */
export async function insertRollout(tx: Tx, record: RolloutRecord): Promise<void> {
  const { id, endpoint, state, revision, data, createdAtMs, updatedAtMs } = record;
  await tables<RolloutTables>(tx)
    .insertInto('rollouts')
    .values({
      id,
      endpoint,
      state,
      revision,
      ...dataColumns(data),
      created_at_ms: createdAtMs,
      updated_at_ms: updatedAtMs,
    })
    .execute();
}

/** A rollout by its id. */
export async function findRollout(tx: Tx, id: string): Promise<RolloutRecord | undefined> {
  const row = await tables<RolloutTables>(tx)
    .selectFrom('rollouts')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
  return row && toRecord(row);
}

/** Rollouts of an endpoint, newest first, before an id. */
export async function rolloutsOf(
  tx: Tx,
  endpoint: string,
  page: { readonly beforeId?: string | undefined; readonly limit: number },
): Promise<readonly RolloutRecord[]> {
  let query = tables<RolloutTables>(tx).selectFrom('rollouts').selectAll().where('endpoint', '=', endpoint);
  if (page.beforeId !== undefined) query = query.where('id', '<', page.beforeId);
  return (await query.orderBy('id', 'desc').limit(page.limit).execute()).map(toRecord);
}

/** Rollouts of all endpoints in the order in which they began, after an id; only those in some states if they are named. */
export async function listRollouts(
  tx: Tx,
  page: {
    readonly states?: readonly RolloutState[] | undefined;
    readonly endpoint?: string | undefined;
    readonly order: 'newest' | 'oldest';
    readonly afterId?: string | undefined;
    readonly limit: number;
  },
): Promise<readonly RolloutRecord[]> {
  const isNewest = page.order === 'newest';
  let query = tables<RolloutTables>(tx).selectFrom('rollouts').selectAll();
  if (page.states !== undefined) query = query.where('state', 'in', page.states);
  if (page.endpoint !== undefined) query = query.where('endpoint', '=', page.endpoint);
  if (page.afterId !== undefined) query = query.where('id', isNewest ? '<' : '>', page.afterId);
  const ordered = query.orderBy('id', isNewest ? 'desc' : 'asc');
  return (await ordered.limit(page.limit).execute()).map(toRecord);
}

/** Rollouts that have not ended, of one endpoint if it is named. */
export async function openRollouts(tx: Tx, endpoint?: string): Promise<readonly RolloutRecord[]> {
  let query = tables<RolloutTables>(tx).selectFrom('rollouts').selectAll().where('state', 'in', openStates);
  if (endpoint !== undefined) query = query.where('endpoint', '=', endpoint);
  return (await query.orderBy('id').execute()).map(toRecord);
}

/** Rollouts that ended, and whose versions cool down or did. */
export async function cooledRollouts(tx: Tx): Promise<readonly RolloutRecord[]> {
  const query = tables<RolloutTables>(tx).selectFrom('rollouts').selectAll();
  const rows = await query.where('state', 'in', ['aborted', 'rolled-back']).orderBy('id').execute();
  return rows.map(toRecord).filter(({ data }) => data.coolUntilMs !== null);
}

/** Rollouts about which something was decided that was not done to its end; of one endpoint if it is named. */
export async function interruptedRollouts(tx: Tx, endpoint?: string): Promise<readonly RolloutRecord[]> {
  let query = tables<RolloutTables>(tx)
    .selectFrom('rollouts')
    .selectAll()
    // Others are done with for good; there may be many of them.
    .where('state', 'in', [...openStates, 'promoted'])
    .where('is_interrupted', '=', 1);
  if (endpoint !== undefined) query = query.where('endpoint', '=', endpoint);
  return (await query.orderBy('id').execute()).map(toRecord);
}

/** Rollouts that have ended and whose last rows are still coming in. */
export async function uncountedRollouts(tx: Tx): Promise<readonly RolloutRecord[]> {
  const query = tables<RolloutTables>(tx).selectFrom('rollouts').selectAll().where('is_uncounted', '=', 1);
  return (await query.orderBy('id').execute()).map(toRecord);
}

/** Forgets a rollout that never began. */
export async function deleteRollout(tx: Tx, { id }: RolloutRecord): Promise<void> {
  await tables<RolloutTables>(tx).deleteFrom('rollouts').where('id', '=', id).execute();
}

/** Changes a rollout that is still as it was read. Returns whether it was. */
export async function updateRollout(
  tx: Tx,
  { id, revision }: RolloutRecord,
  change: { readonly state: RolloutState; readonly data: RolloutData; readonly nowMs: number },
): Promise<boolean> {
  const updated = await tables<RolloutTables>(tx)
    .updateTable('rollouts')
    .set({
      state: change.state,
      ...dataColumns(change.data),
      revision: revision + 1,
      updated_at_ms: change.nowMs,
    })
    .where('id', '=', id)
    .where('revision', '=', revision)
    .returning('id')
    .executeTakeFirst();
  return updated !== undefined;
}

function dataColumns(data: RolloutData) {
  return {
    data: JSON.stringify(data),
    is_interrupted: data.intent === null ? 0 : 1,
    is_uncounted: data.countsUntilMs === null ? 0 : 1,
  };
}

function toRecord(row: RolloutTables['rollouts']): RolloutRecord {
  return {
    id: row.id,
    endpoint: row.endpoint,
    state: rolloutStateSchema.parse(row.state),
    revision: Number(row.revision),
    data: rolloutDataSchema.parse(JSON.parse(row.data)),
    createdAtMs: Number(row.created_at_ms),
    updatedAtMs: Number(row.updated_at_ms),
  };
}
