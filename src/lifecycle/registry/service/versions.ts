import { type Actor, authorize } from '../../../platform/access/index.ts';
import { type Condition, parseFilter, parseOrder, readPageToken } from '../../../platform/search/index.ts';
import { invalidParameter, type Page } from '../../experiments/index.ts';
import type { Tag, VersionRecord } from '../records.ts';
import { aliasesOfVersion, moveAlias } from '../store/aliases.ts';
import { modelRowsById } from '../store/models.ts';
import { searchVersionRows, versionSortColumns } from '../store/search.ts';
import {
  archiveStage,
  deleteVersionTagRow,
  hydrateVersions,
  latestVersionRows,
  setVersionTagRow,
  updateVersionRow,
} from '../store/versions.ts';
import { checkModelName, checkRegistryTag, parseStage, parseVersion } from '../validation.ts';
import { versionVocabulary } from '../vocabulary.ts';
import {
  aliasMove,
  cutPage,
  heldModel,
  modelByName,
  noReason,
  oneVersion,
  type RegistryDeps,
  record,
  versionRow,
} from './context.ts';
import type { SearchQuery } from './models.ts';

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
    ): Promise<Page<VersionRecord>> {
      authorize(actor, 'read');
      const ofModel: Condition = {
        entity: 'attribute',
        key: 'name',
        comparator: '=',
        value: query.name ?? '',
      };
      const standard = ['last_updated_timestamp DESC', 'name ASC', 'version_number DESC'];
      const order = parseOrder(query.orderBy?.length ? query.orderBy : standard, versionVocabulary);
      const rows = await searchVersionRows(db.read, db.dialect, {
        conditions: [
          ...(query.name === undefined ? [] : [ofModel]),
          ...parseFilter(query.filter ?? '', versionVocabulary),
        ],
        order,
        limit: query.limit + 1,
        after: query.after ? readPageToken(query.after, versionSortColumns(order).length) : null,
      });
      const page = cutPage(rows, query.limit);
      const models = await modelRowsById(db.read, [...new Set(page.items.map((row) => row.registered_id))]);
      return { items: await hydrateVersions(db.read, models, page.items), next: page.next };
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

    async updateVersion(
      actor: Actor,
      name: string,
      version: string | number,
      description: string,
    ): Promise<VersionRecord> {
      authorize(actor, 'registry:write');
      const number = parseVersion(version);
      return db.write(async (tx) => {
        const model = await modelByName(tx, name);
        const row = await versionRow(tx, model, number);
        const change = { description, updated_at_ms: clock.nowMs() };
        await updateVersionRow(tx, { registeredId: model.id, version: number }, change);
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
        if (to.archiveOthers) await archiveStage(tx, key, stage, change.updated_at_ms);
        await updateVersionRow(tx, key, change);
        await deps.journal.appendAudit(tx, {
          actor,
          action: 'registry:transition-stage',
          subject: { kind: 'model-version', id: `${name}/${number}` },
          before: { stage: row.stage },
          after: { stage },
          reason: noReason,
        });
        return oneVersion(tx, model, { ...row, ...change });
      });
    },

    /** Hides a version for good, takes its aliases away and redacts where it came from; its number stays used. */
    async deleteVersion(actor: Actor, name: string, version: string | number): Promise<void> {
      authorize(actor, 'registry:write');
      const number = parseVersion(version);
      await db.write(async (tx) => {
        const model = await heldModel(deps, tx, name);
        const row = await versionRow(tx, model, number);
        const before = await oneVersion(tx, model, row);
        for (const alias of await aliasesOfVersion(tx, model.id, number)) {
          const reason = 'the version was deleted';
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
        const change = { actor, action: 'registry:delete-version', event, name, version: number } as const;
        await record(deps, tx, { ...change, before, reason: noReason });
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
        await setVersionTagRow(tx, { registeredId: model.id, version: number }, tag);
      });
    },

    /** A tag that is not there is no error. */
    async deleteVersionTag(actor: Actor, name: string, version: string | number, key: string): Promise<void> {
      authorize(actor, 'registry:write');
      const number = parseVersion(version);
      await db.write(async (tx) => {
        const model = await modelByName(tx, name);
        await versionRow(tx, model, number);
        await deleteVersionTagRow(tx, { registeredId: model.id, version: number }, key);
      });
    },
  };
}
