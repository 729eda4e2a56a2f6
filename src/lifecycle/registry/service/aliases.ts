import { fail } from '../../../core/errors.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import { pageToken, readPageToken } from '../../../platform/search/index.ts';
import type { Page } from '../../experiments/index.ts';
import { type AliasMove, CHAMPION } from '../contract.ts';
import type { VersionRecord } from '../records.ts';
import { aliasedVersion, aliasMoves, moveAlias } from '../store/aliases.ts';
import { updateModelRow } from '../store/models.ts';
import type { ModelRow, VersionRow } from '../store/tables.ts';
import { latestVersionRows } from '../store/versions.ts';
import { checkAliasName, checkAliasNotReserved, checkModelName, parseVersion } from '../validation.ts';
import { announce } from '../webhooks/outbox.ts';
import { aliasChanged } from '../webhooks/payloads.ts';
import {
  aliasMove,
  announced,
  heldModel,
  modelByName,
  noReason,
  oneVersion,
  type RegistryDeps,
  record,
  versionRow,
} from './context.ts';
import { requireMove } from './protections.ts';

/** Aliases: names for versions that move. Each move is kept with who, when and why. */
export function aliasOperations(deps: RegistryDeps) {
  const { db } = deps;

  /**
   * Moves an alias to a version, or takes it away (`to` null), with its history, audit entry, event and webhooks. To
   * where it is already nothing moves. Throws `alias_protected`.
   */
  async function changeAlias(
    tx: Tx,
    actor: Actor,
    model: ModelRow,
    change: { readonly alias: string; readonly to: VersionRow | null; readonly reason: string },
  ): Promise<void> {
    const { alias, to, reason } = change;
    const version = to?.version ?? null;
    const previousVersion = await aliasedVersion(tx, model.id, alias);
    const announcement = aliasChanged(announced(model), alias, version);
    // MLflow's server tells of every such request, also of one that changes nothing.
    if (previousVersion === version) return announce(deps, tx, announcement);
    await requireMove(tx, actor, model, alias, to, reason);
    const action = to ? 'set' : 'clear';
    await moveAlias(tx, aliasMove(deps, actor, model, { alias, version, previousVersion, action, reason }));
    if (alias === CHAMPION) await updateModelRow(tx, model.id, { previous_champion: previousVersion });
    await record(deps, tx, {
      actor,
      action: to ? 'registry:set-alias' : 'registry:clear-alias',
      event: to ? 'model-alias.set' : 'model-alias.cleared',
      model,
      reason,
      history: [],
      announcements: [announcement],
      before: { alias, version: previousVersion },
      after: { alias, version },
    });
  }

  return {
    /** Points an alias at a version. Throws `alias_protected`. */
    async setAlias(
      actor: Actor,
      input: {
        readonly name: string;
        readonly alias: string;
        readonly version: string | number;
        readonly reason?: string;
      },
    ): Promise<void> {
      const { name, alias, reason = noReason } = input;
      authorize(actor, 'registry:write');
      checkModelName(name);
      checkAliasName(alias);
      checkAliasNotReserved(alias);
      const version = parseVersion(input.version);
      await db.write(async (tx) => {
        const model = await heldModel(deps, tx, name);
        await changeAlias(tx, actor, model, { alias, to: await versionRow(tx, model, version), reason });
      });
    },

    /** Takes an alias away; one that is not there is no error. Throws `alias_protected`. */
    async clearAlias(
      actor: Actor,
      input: { readonly name: string; readonly alias: string; readonly reason?: string },
    ): Promise<void> {
      const { name, alias, reason = noReason } = input;
      authorize(actor, 'registry:write');
      checkModelName(name);
      checkAliasName(alias);
      await db.write(async (tx) => {
        const model = await heldModel(deps, tx, name);
        await changeAlias(tx, actor, model, { alias, to: null, reason });
      });
    },

    /** The version that an alias points at; `latest` is the newest one. Throws `alias_unknown`. */
    async versionByAlias(actor: Actor, name: string, alias: string): Promise<VersionRecord> {
      authorize(actor, 'read');
      checkModelName(name);
      checkAliasName(alias);
      const model = await modelByName(db.read, name);
      if (alias.toLowerCase() === 'latest') {
        const newest = (await latestVersionRows(db.read, [model.id])).at(-1);
        if (!newest) throw fail('version_unknown', { name, version: 'latest' });
        return oneVersion(db.read, model, newest);
      }
      const version = await aliasedVersion(db.read, model.id, alias);
      if (version === null) throw fail('alias_unknown', { name, alias });
      return oneVersion(db.read, model, await versionRow(db.read, model, version));
    },

    /** The history of a model's aliases, newest first. */
    async aliasMoves(
      actor: Actor,
      name: string,
      query: { readonly limit: number; readonly after?: string | undefined },
    ): Promise<Page<AliasMove>> {
      authorize(actor, 'read');
      const model = await modelByName(db.read, name);
      const after = query.after ? String(readPageToken(query.after, 1)[0]) : null;
      const moves = await aliasMoves(db.read, model.id, query.limit + 1, after);
      const items = moves.slice(0, query.limit);
      const last = items.at(-1);
      return { items, next: last && moves.length > items.length ? pageToken([last.id]) : null };
    },
  };
}
