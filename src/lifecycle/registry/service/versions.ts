import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import {
  allOf,
  type Condition,
  cutPage,
  parseFilter,
  parseOrder,
  readPageToken,
} from '../../../platform/search/index.ts';
import { invalidParameter, type Page } from '../../experiments/index.ts';
import type { Tag, VersionRecord } from '../records.ts';
import { aliasesOfVersion, moveAlias } from '../store/aliases.ts';
import { modelRowsById } from '../store/models.ts';
import { countVersionRows, searchVersionRows, versionSortColumns } from '../store/search.ts';
import type { ModelRow } from '../store/tables.ts';
import {
  archiveStage,
  deleteVersionTagRow,
  hydrateVersions,
  latestVersionRows,
  setVersionTagRow,
  updateVersionRow,
  versionTag,
} from '../store/versions.ts';
import { checkModelName, checkRegistryTag, parseStage, parseVersion } from '../validation.ts';
import { versionVocabulary } from '../vocabulary.ts';
import { announce } from '../webhooks/outbox.ts';
import { versionTagChanged } from '../webhooks/payloads.ts';
import {
  aliasMove,
  announced,
  type HistoryFact,
  heldModel,
  leftBy,
  modelByName,
  noReason,
  oneVersion,
  type RegistryDeps,
  record,
  versionRow,
} from './context.ts';
import type { SearchQuery } from './models.ts';
import { requireMove } from './protections.ts';

const activeStages: readonly string[] = ['Staging', 'Production'];

/** Model versions: finding and changing them. Making them is in `version-creation.ts`. */
export function versionOperations(deps: RegistryDeps) {
  const { db, clock } = deps;

  return {
    /** Throws `registered_model_unknown`, `version_unknown`. */
    async getVersion(actor: Actor, name: string, version: string | number): Promise<VersionRecord> {
      authorize(actor, 'read');
      const number = parseVersion(version);
      const model = await modelByName(db.read, name);
      return oneVersion(db.read, model, await versionRow(db.read, model, number));
    },

    /** Versions by filter; the last changed first unless told otherwise. */
    async searchVersions(
      actor: Actor,
      query: SearchQuery & {
        /** Only versions of this registered model. */
        readonly name?: string;
      },
    ): Promise<Page<VersionRecord> & { readonly totalCount: number | null }> {
      authorize(actor, 'read');
      const ofModel: Condition = {
        kind: 'condition',
        entity: 'attribute',
        key: 'name',
        comparator: '=',
        value: query.name ?? '',
      };
      const standard = ['last_updated_timestamp DESC', 'name ASC', 'version_number DESC'];
      const { grammar = 'mlflow', limit } = query;
      const asked = parseFilter(query.filter ?? '', versionVocabulary, { grammar, nowMs: clock.nowMs() });
      const order = parseOrder(query.orderBy?.length ? query.orderBy : standard, versionVocabulary, grammar);
      const filter = allOf([query.name === undefined ? null : ofModel, asked]);
      const list = `versions by ${JSON.stringify(order)}`;
      const after = query.after ? readPageToken(query.after, versionSortColumns(order), list) : null;
      const rows = await searchVersionRows(db.read, db.dialect, { filter, order, limit: limit + 1, after });
      const page = cutPage(rows, limit, list);
      const totalCount = query.count ? await countVersionRows(db.read, db.dialect, filter) : null;
      const models = await modelRowsById(db.read, [...new Set(page.items.map((row) => row.registered_id))]);
      const items = await hydrateVersions(db.read, models, page.items);
      return { items, next: page.next, totalCount };
    },

    /** The newest version in each stage, or in the stages named. */
    async latestVersions(
      actor: Actor,
      name: string,
      stages: readonly string[] = [],
    ): Promise<readonly VersionRecord[]> {
      authorize(actor, 'read');
      const wanted = stages.map(parseStage);
      const model = await modelByName(db.read, name);
      const rows = await latestVersionRows(db.read, [model.id]);
      const chosen = wanted.length === 0 ? rows : rows.filter((row) => wanted.includes(row.stage));
      return hydrateVersions(db.read, [model], chosen);
    },

    /** @param described Undefined: the description is taken away */
    async updateVersion(
      actor: Actor,
      name: string,
      version: string | number,
      described: string | undefined,
    ): Promise<VersionRecord> {
      authorize(actor, 'registry:write');
      const number = parseVersion(version);
      return db.write(async (tx) => {
        const model = await modelByName(tx, name);
        const row = await versionRow(tx, model, number);
        const description = described ?? '';
        const undescribed = described === undefined ? 1 : 0;
        const change = { description, undescribed, updated_at_ms: clock.nowMs() };
        await updateVersionRow(tx, { registeredId: model.id, version: number }, change);
        if (description !== row.description) {
          const fact = { what: 'description', before: row.description, after: description } as const;
          await recordChange(deps, tx, actor, model, number, 'registry:describe', [fact]);
        }
        return oneVersion(tx, model, { ...row, ...change });
      });
    },

    /** Moves a version to another of MLflow's stages; the others of that stage may be archived with it. */
    async transitionStage(
      actor: Actor,
      name: string,
      version: string | number,
      to: { readonly stage: string; readonly archiveOthers: boolean },
    ): Promise<VersionRecord> {
      authorize(actor, 'registry:write');
      const stage = parseStage(to.stage);
      if (to.archiveOthers && !activeStages.includes(stage)) {
        throw invalidParameter(
          `Model version transition cannot archive existing model versions because '${to.stage}' is not an Active stage. Valid stages are ['Staging', 'Production']`,
        );
      }
      const number = parseVersion(version);
      return db.write(async (tx) => {
        const model = await heldModel(deps, tx, name);
        const row = await versionRow(tx, model, number);
        const key = { registeredId: model.id, version: number };
        const change = { stage, updated_at_ms: clock.nowMs() };
        const archived = to.archiveOthers ? await archiveStage(tx, key, stage, change.updated_at_ms) : [];
        await updateVersionRow(tx, key, change);
        const facts = archived.map(
          (version) => ({ what: 'stage', version, before: stage, after: 'Archived' }) as const,
        );
        const own = { what: 'stage', before: row.stage, after: stage } as const;
        if (row.stage !== stage || facts.length > 0) {
          await recordChange(deps, tx, actor, model, number, 'registry:transition-stage', [own, ...facts]);
        }
        return oneVersion(tx, model, { ...row, ...change });
      });
    },

    /**
     * Hides a version for good, takes its aliases away and redacts where it came from; its number stays used. The audit
     * trail has which endpoints go on serving it.
     */
    async deleteVersion(actor: Actor, name: string, version: string | number): Promise<void> {
      authorize(actor, 'registry:write');
      const number = parseVersion(version);
      const after = await leftBy(deps, name, number);
      await db.write(async (tx) => {
        const model = await heldModel(deps, tx, name);
        const row = await versionRow(tx, model, number);
        const before = await oneVersion(tx, model, row);
        for (const alias of await aliasesOfVersion(tx, model.id, number)) {
          const reason = 'the version was deleted';
          await requireMove(tx, actor, model, alias, null, reason);
          const move = { alias, version: null, previousVersion: number, action: 'clear', reason } as const;
          await moveAlias(tx, aliasMove(deps, actor, model, move));
        }
        await updateVersionRow(
          tx,
          { registeredId: model.id, version: number },
          {
            deleted: 1,
            description: '',
            source: 'REDACTED-SOURCE-PATH',
            storage_location: 'REDACTED-SOURCE-PATH',
            run_id: 'REDACTED-RUN-ID',
            run_link: 'REDACTED-RUN-LINK',
            status_message: null,
            updated_at_ms: clock.nowMs(),
          },
        );
        const event = 'model-version.deleted';
        const change = { actor, action: 'registry:delete-version', event, model, version: number } as const;
        const history = [{ what: 'deleted', before: row.source }] as const;
        await record(deps, tx, { ...change, before, after, reason: noReason, history });
      });
    },

    async setVersionTag(actor: Actor, name: string, version: string | number, tag: Tag): Promise<void> {
      authorize(actor, 'registry:write');
      checkModelName(name);
      const number = parseVersion(version);
      checkRegistryTag(tag);
      await db.write(async (tx) => {
        const model = await modelByName(tx, name);
        await versionRow(tx, model, number);
        const at = { registeredId: model.id, version: number };
        const before = await versionTag(tx, at, tag.key);
        await setVersionTagRow(tx, at, tag);
        if (before !== tag.value) {
          const fact = { what: 'tag', key: tag.key, before, after: tag.value } as const;
          await recordChange(deps, tx, actor, model, number, 'registry:set-version-tag', [fact]);
        }
        await announce(
          deps,
          tx,
          versionTagChanged({ ...announced(model), version: number }, tag.key, tag.value),
        );
      });
    },

    /** A tag that is not there is no error. */
    async deleteVersionTag(actor: Actor, name: string, version: string | number, key: string): Promise<void> {
      authorize(actor, 'registry:write');
      const number = parseVersion(version);
      await db.write(async (tx) => {
        const model = await modelByName(tx, name);
        await versionRow(tx, model, number);
        const at = { registeredId: model.id, version: number };
        const before = await versionTag(tx, at, key);
        await deleteVersionTagRow(tx, at, key);
        if (before !== null) {
          const fact = { what: 'tag', key, before, after: null } as const;
          await recordChange(deps, tx, actor, model, number, 'registry:delete-version-tag', [fact]);
        }
        await announce(deps, tx, versionTagChanged({ ...announced(model), version: number }, key, null));
      });
    },
  };
}

/** Tells of a change of one fact of a version, and of what it changed of others. */
async function recordChange(
  deps: RegistryDeps,
  tx: Tx,
  actor: Actor,
  model: ModelRow,
  version: number,
  action: string,
  history: readonly [HistoryFact, ...HistoryFact[]],
): Promise<void> {
  const event = 'model-version.changed';
  const { what, key, before, after } = history[0];
  const told = (value: string | null | undefined) => (key === undefined ? { [what]: value } : { key, value });
  const change = { actor, action, event, model, version, before: told(before), after: told(after) } as const;
  await record(deps, tx, { ...change, reason: noReason, history });
}
