import { fail } from '../../../core/errors.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import { parseFilter, parseOrder, readPageToken } from '../../../platform/search/index.ts';
import type { Page } from '../../experiments/index.ts';
import type { RegisteredModelRecord, Tag } from '../records.ts';
import {
  deleteModelRow,
  deleteModelTagRow,
  findModelRow,
  hydrateRegisteredModels,
  insertModel,
  setModelTagRow,
  updateModelRow,
} from '../store/models.ts';
import { modelSortColumns, promptTag, searchModelRows } from '../store/search.ts';
import type { ModelRow } from '../store/tables.ts';
import { checkModelName, checkNewModelName, checkRegistryTag } from '../validation.ts';
import { registeredModelVocabulary } from '../vocabulary.ts';
import { cutPage, heldModel, modelByName, noReason, type RegistryDeps, record } from './context.ts';

export interface SearchQuery {
  readonly filter?: string | undefined;
  readonly orderBy?: readonly string[] | undefined;
  readonly limit: number;
  readonly after?: string | undefined;
}

/** Registered models: the names that versions are collected under. */
export function modelOperations(deps: RegistryDeps) {
  const { db } = deps;

  return {
    /** Throws `registered_model_exists`. */
    async createModel(
      actor: Actor,
      input: {
        readonly name: string;
        readonly description?: string | undefined;
        readonly tags: readonly Tag[];
      },
    ): Promise<RegisteredModelRecord> {
      authorize(actor, 'registry:write');
      checkModelName(input.name);
      for (const tag of input.tags) checkRegistryTag(tag);
      return db.write(async (tx) => {
        const model = await addModel(deps, tx, actor, input);
        return oneModel(tx, model);
      });
    },

    /** Throws `registered_model_unknown`. */
    async getModel(actor: Actor, name: string): Promise<RegisteredModelRecord> {
      authorize(actor, 'read');
      return oneModel(db.read, await modelByName(db.read, name));
    },

    /** Registered models by filter, by name unless told otherwise; prompts only when asked for. */
    async searchModels(actor: Actor, query: SearchQuery): Promise<Page<RegisteredModelRecord>> {
      authorize(actor, 'read');
      const order = parseOrder(query.orderBy ?? [], registeredModelVocabulary);
      const rows = await searchModelRows(db.read, db.dialect, {
        conditions: parseFilter(query.filter ?? '', registeredModelVocabulary),
        order,
        limit: query.limit + 1,
        after: query.after ? readPageToken(query.after, modelSortColumns(order).length) : null,
      });
      const page = cutPage(rows, query.limit);
      return { items: await hydrateRegisteredModels(db.read, page.items), next: page.next };
    },

    async updateModel(actor: Actor, name: string, description: string): Promise<RegisteredModelRecord> {
      authorize(actor, 'registry:write');
      return db.write(async (tx) => {
        const model = await heldModel(deps, tx, name);
        await updateModelRow(tx, model.id, { description });
        return oneModel(tx, { ...model, description });
      });
    },

    /** Throws `registered_model_exists` when the new name is taken. */
    async renameModel(actor: Actor, name: string, newName: string): Promise<RegisteredModelRecord> {
      authorize(actor, 'registry:write');
      checkNewModelName(newName);
      return db.write(async (tx) => {
        const model = await heldModel(deps, tx, name);
        if (newName !== name && (await findModelRow(tx, newName))) {
          throw fail('registered_model_exists', { name: newName });
        }
        await updateModelRow(tx, model.id, { name: newName });
        const action = 'registry:rename';
        const event = 'registered-model.renamed';
        const change = { actor, action, event, name: newName, reason: noReason } as const;
        await record(deps, tx, { ...change, before: { name }, after: { name: newName } });
        return oneModel(tx, { ...model, name: newName });
      });
    },

    /** Removes a model with all its versions; the audit trail keeps that it was there. */
    async deleteModel(actor: Actor, name: string): Promise<void> {
      authorize(actor, 'registry:write');
      await db.write(async (tx) => {
        const model = await heldModel(deps, tx, name);
        const before = await oneModel(tx, model);
        await deleteModelRow(tx, model.id);
        const event = 'registered-model.deleted';
        await record(deps, tx, { actor, action: 'registry:delete', event, name, before, reason: noReason });
      });
    },

    async setModelTag(actor: Actor, name: string, tag: Tag): Promise<void> {
      authorize(actor, 'registry:write');
      checkModelName(name);
      checkRegistryTag(tag);
      await db.write(async (tx) => {
        const model = await modelByName(tx, name);
        await setModelTagRow(tx, model.id, tag);
        if (tag.key === promptTag)
          await updateModelRow(tx, model.id, { is_prompt: isTrue(tag.value) ? 1 : 0 });
      });
    },

    /** A tag that is not there is no error. */
    async deleteModelTag(actor: Actor, name: string, key: string): Promise<void> {
      authorize(actor, 'registry:write');
      await db.write(async (tx) => {
        const model = await modelByName(tx, name);
        await deleteModelTagRow(tx, model.id, key);
        if (key === promptTag) await updateModelRow(tx, model.id, { is_prompt: 0 });
      });
    },
  };
}

/** Adds a registered model within a transaction. Throws `registered_model_exists`. */
export async function addModel(
  deps: RegistryDeps,
  tx: Tx,
  actor: Actor,
  input: { readonly name: string; readonly description?: string | undefined; readonly tags: readonly Tag[] },
): Promise<ModelRow> {
  const tags = [...new Map(input.tags.map((tag) => [tag.key, tag])).values()];
  const isPrompt = tags.some((tag) => tag.key === promptTag && isTrue(tag.value));
  const { name, description = '' } = input;
  const model = await insertModel(tx, { name, description, isPrompt, nowMs: deps.clock.nowMs() });
  if (!model) throw fail('registered_model_exists', { name });
  for (const tag of tags) await setModelTagRow(tx, model.id, tag);
  const action = 'registry:create';
  await record(deps, tx, {
    actor,
    action,
    event: 'registered-model.created',
    name,
    after: { name },
    reason: noReason,
  });
  return model;
}

function isTrue(value: string): boolean {
  return value.toLowerCase() === 'true';
}

async function oneModel(tx: Tx, row: ModelRow): Promise<RegisteredModelRecord> {
  const [model] = await hydrateRegisteredModels(tx, [row]);
  if (!model) throw fail('registered_model_unknown', { name: row.name });
  return model;
}
