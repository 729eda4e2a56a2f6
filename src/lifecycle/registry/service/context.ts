import { fail } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import type { Clock } from '../../../core/time.ts';
import type { Actor } from '../../../platform/access/index.ts';
import type { Database, Tx } from '../../../platform/db/index.ts';
import type { Jobs } from '../../../platform/jobs/index.ts';
import type { Journal } from '../../../platform/journal/index.ts';
import type { Experiments } from '../../experiments/index.ts';
import type { HistorySubject } from '../contract/history.ts';
import type { AliasMove, RegistryEventType } from '../contract.ts';
import type { VersionRecord } from '../records.ts';
import { insertChanges } from '../store/history.ts';
import { findModelRow, lockModelRow } from '../store/models.ts';
import type { ModelRow, VersionRow } from '../store/tables.ts';
import { findVersionRow, hydrateVersions } from '../store/versions.ts';
import { checkModelName } from '../validation.ts';
import { announce } from '../webhooks/outbox.ts';
import type { Announcement } from '../webhooks/payloads.ts';

/** What the service of this slice is built from. */
export interface RegistryDeps {
  readonly db: Database;
  readonly journal: Journal;
  /** Brings deliveries to webhooks. */
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly experiments: Experiments;
  /** Names of the endpoints that serve a version of a model (null: any of them); left out: there are none. */
  readonly servedBy?: (model: string, version: number | null) => Promise<readonly string[]>;
  /** What sources of versions that clients register must hold somewhere; left out: anything. */
  readonly sourcePattern?: RegExp | undefined;
}

/** A line of the model's own history. Texts, or numbers of versions; null: there was none. */
export interface HistoryFact {
  readonly what: HistorySubject;
  /** The version that it is about, where that is not the change's. */
  readonly version?: number;
  readonly key?: string;
  readonly before?: string | null;
  readonly after?: string | null;
}

/** A change of a version or model, as audit trail, event feed, history and webhooks tell it. */
export interface Change {
  readonly actor: Actor;
  readonly action: string;
  readonly event: RegistryEventType;
  readonly model: Pick<ModelRow, 'id' | 'name'>;
  /** Undefined: the change is about the model. */
  readonly version?: number;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly reason: string;
  /** Moves of aliases have a history of their own. */
  readonly history: readonly HistoryFact[];
  /** What webhooks are told. */
  readonly announcements?: readonly Announcement[];
}

/**
 * The reason of changes by clients that can give none (MLflow’s). Protected aliases do not take it for one.
 */
export const noReason = 'no reason given';

/** Writes audit entry, event, history and deliveries to webhooks of a change. Call it last in a transaction. */
/** What a deletion leaves behind: endpoints that go on serving what is gone. Undefined where there are none. */
export async function leftBy({ servedBy }: RegistryDeps, model: string, version: number | null) {
  const endpoints = (await servedBy?.(model, version)) ?? [];
  return endpoints.length === 0 ? undefined : { servedBy: endpoints };
}

export async function record(deps: RegistryDeps, tx: Tx, change: Change): Promise<void> {
  const { actor, action, event, version, before, after, reason } = change;
  const { name } = change.model;
  const subject =
    version === undefined
      ? { kind: 'registered-model', id: name }
      : { kind: 'model-version', id: `${name}/${version}` };
  await deps.journal.appendAudit(tx, { actor, action, subject, before, after, reason });
  const data = { name, ...(version === undefined ? {} : { version }), by: actorText(actor), reason, after };
  await deps.journal.appendEvent(tx, { type: event, subject, data });
  await insertChanges(
    tx,
    change.history.map((fact) => changeRow(deps, change, fact)),
  );
  for (const announcement of change.announcements ?? []) await announce(deps, tx, announcement);
}

function changeRow(deps: RegistryDeps, change: Change, fact: HistoryFact) {
  const nowMs = deps.clock.nowMs();
  return {
    id: uuidv7(nowMs),
    registered_id: change.model.id,
    version: fact.version ?? change.version ?? null,
    what: fact.what,
    key: fact.key ?? null,
    before_text: fact.before ?? null,
    after_text: fact.after ?? null,
    changed_by: actorText(change.actor),
    reason: change.reason,
    changed_at_ms: nowMs,
  };
}

/** A model as webhooks tell of it. */
export function announced(model: ModelRow): { readonly name: string; readonly isPrompt: boolean } {
  return { name: model.name, isPrompt: model.is_prompt === 1 };
}

/** Who did something, as history and audit trail show it: `user:ada`. */
export function actorText(actor: Actor): string {
  return `${actor.kind}:${actor.id}`;
}

/** Throws `registered_model_unknown`. */
export async function modelByName(tx: Tx, name: string): Promise<ModelRow> {
  checkModelName(name);
  const row = await findModelRow(tx, name);
  if (!row) throw fail('registered_model_unknown', { name });
  return row;
}

/** The model, held against other writers until the transaction ends. Throws `registered_model_unknown`. */
export async function heldModel(deps: RegistryDeps, tx: Tx, name: string): Promise<ModelRow> {
  checkModelName(name);
  const row = await lockModelRow(tx, name, deps.clock.nowMs());
  if (!row) throw fail('registered_model_unknown', { name });
  return row;
}

/** Throws `version_unknown`, for a deleted one too. */
export async function versionRow(tx: Tx, model: ModelRow, version: number): Promise<VersionRow> {
  const row = await findVersionRow(tx, model.id, version);
  if (!row) throw fail('version_unknown', { name: model.name, version });
  return row;
}

/**
 * A version with tags, aliases, gates and approvals. Throws `version_unknown` when it went in the meantime.
 */
export async function oneVersion(tx: Tx, model: ModelRow, row: VersionRow): Promise<VersionRecord> {
  const [record] = await hydrateVersions(tx, [model], [row]);
  if (!record) throw fail('version_unknown', { name: model.name, version: row.version });
  return record;
}

/** A version by name and number; undefined when it is not there. */
export async function oneVersionOf(
  tx: Tx,
  name: string,
  version: number,
): Promise<VersionRecord | undefined> {
  const model = await findModelRow(tx, name);
  const row = model && (await findVersionRow(tx, model.id, version));
  return model && row && oneVersion(tx, model, row);
}

/** A row of the history of aliases. */
export function aliasMove(
  deps: RegistryDeps,
  actor: Actor,
  model: ModelRow,
  move: {
    readonly alias: string;
    readonly version: number | null;
    readonly previousVersion: number | null;
    readonly action: AliasMove['action'];
    readonly reason: string;
  },
) {
  const nowMs = deps.clock.nowMs();
  return {
    id: uuidv7(nowMs),
    registered_id: model.id,
    alias: move.alias,
    version: move.version,
    previous_version: move.previousVersion,
    action: move.action,
    moved_by: actorText(actor),
    reason: move.reason,
    moved_at_ms: nowMs,
  };
}
