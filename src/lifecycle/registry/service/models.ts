import { fail } from '../../../core/errors.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import {
  cutPage,
  type Grammar,
  parseFilter,
  parseOrder,
  readPageToken,
} from '../../../platform/search/index.ts';
import { type Page, pythonRepr } from '../../experiments/index.ts';
import type { RegisteredModelRecord, Tag } from '../records.ts';
import {
  deleteModelRow,
  deleteModelTagRow,
  findModelRow,
  hydrateRegisteredModels,
  insertModel,
  modelTag,
  setModelTagRow,
  updateModelRow,
} from '../store/models.ts';
import { countModelRows, modelSortColumns, promptTag, searchModelRows } from '../store/search.ts';
import type { ModelRow } from '../store/tables.ts';
import { checkModelName, checkNewModelName, checkRegistryTag } from '../validation.ts';
import { registeredModelVocabulary } from '../vocabulary.ts';
import { announce } from '../webhooks/outbox.ts';
import { modelCreated, promptTagChanged } from '../webhooks/payloads.ts';
import {
  type HistoryFact,
  heldModel,
  leftBy,
  modelByName,
  noReason,
  type RegistryDeps,
  record,
} from './context.ts';
import { requireMove } from './protections.ts';

export interface SearchQuery {
  readonly filter?: string | undefined;
  readonly orderBy?: readonly string[] | undefined;
  /** MLflow's unless told otherwise. */
  readonly grammar?: Grammar;
  /** Whether `totalCount` is wanted. */
  readonly count?: boolean;
  readonly limit: number;
  readonly after?: string | undefined;
}

/** Registered models: the names that versions are collected under. */
export function modelOperations(deps: RegistryDeps) {
  const { db } = deps;

  return {
    /** Throws `registered_model_exists`, `registered_name_taken`. */
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
    async searchModels(
      actor: Actor,
      query: SearchQuery,
    ): Promise<Page<RegisteredModelRecord> & { readonly totalCount: number | null }> {
      authorize(actor, 'read');
      const { grammar = 'mlflow', limit } = query;
      const nowMs = deps.clock.nowMs();
      const filter = parseFilter(query.filter ?? '', registeredModelVocabulary, { grammar, nowMs });
      const order = parseOrder(query.orderBy ?? [], registeredModelVocabulary, grammar);
      const list = `registered models by ${JSON.stringify(order)}`;
      const after = query.after ? readPageToken(query.after, modelSortColumns(order), list) : null;
      const rows = await searchModelRows(db.read, db.dialect, { filter, order, limit: limit + 1, after });
      const page = cutPage(rows, limit, list);
      const totalCount = query.count ? await countModelRows(db.read, db.dialect, filter) : null;
      return { items: await hydrateRegisteredModels(db.read, page.items), next: page.next, totalCount };
    },

    async updateModel(actor: Actor, name: string, description: string): Promise<RegisteredModelRecord> {
      authorize(actor, 'registry:write');
      return db.write(async (tx) => {
        const model = await heldModel(deps, tx, name);
        await updateModelRow(tx, model.id, { description });
        if (description !== model.description) {
          const fact = { what: 'description', before: model.description, after: description } as const;
          await recordChange(deps, tx, actor, model, 'registry:describe', fact);
        }
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
          throw fail('registered_model_exists', { kind: modelKind, name: newName });
        }
        await updateModelRow(tx, model.id, { name: newName });
        const action = 'registry:rename';
        const event = 'registered-model.renamed';
        const history = [{ what: 'renamed', before: name, after: newName }] as const;
        const renamed = { ...model, name: newName };
        const change = { actor, action, event, model: renamed, reason: noReason, history } as const;
        await record(deps, tx, { ...change, before: { name }, after: { name: newName } });
        return oneModel(tx, { ...model, name: newName });
      });
    },

    /**
     * Removes a model with all its versions; the audit trail keeps that it was there, and which endpoints go on serving
     * it. Throws `alias_protected`. */
    async deleteModel(actor: Actor, name: string): Promise<void> {
      authorize(actor, 'registry:write');
      const after = await leftBy(deps, name, null);
      await db.write(async (tx) => {
        const model = await heldModel(deps, tx, name);
        const before = await oneModel(tx, model);
        for (const { alias } of before.aliases) await requireMove(tx, actor, model, alias, null, noReason);
        await deleteModelRow(tx, model.id);
        const event = 'registered-model.deleted';
        const change = { actor, action: 'registry:delete', event, model, before, after } as const;
        await record(deps, tx, { ...change, reason: noReason, history: [] });
      });
    },

    async setModelTag(actor: Actor, name: string, tag: Tag): Promise<void> {
      authorize(actor, 'registry:write');
      checkModelName(name);
      checkRegistryTag(tag);
      await db.write(async (tx) => {
        const model = await modelByName(tx, name);
        const before = await modelTag(tx, model.id, tag.key);
        await setModelTagRow(tx, model.id, tag);
        const isPrompt = tag.key === promptTag ? isTrue(tag.value) : model.is_prompt === 1;
        if (tag.key === promptTag) await updateModelRow(tx, model.id, { is_prompt: isPrompt ? 1 : 0 });
        if (before !== tag.value) {
          const fact = { what: 'tag', key: tag.key, before, after: tag.value } as const;
          await recordChange(deps, tx, actor, model, 'registry:set-tag', fact);
        }
        if (isPrompt) await announce(deps, tx, promptTagChanged(name, tag.key, tag.value));
      });
    },

    /** A tag that is not there is no error. */
    async deleteModelTag(actor: Actor, name: string, key: string): Promise<void> {
      authorize(actor, 'registry:write');
      await db.write(async (tx) => {
        const model = await modelByName(tx, name);
        const before = await modelTag(tx, model.id, key);
        await deleteModelTagRow(tx, model.id, key);
        if (key === promptTag) await updateModelRow(tx, model.id, { is_prompt: 0 });
        if (before !== null) {
          const fact = { what: 'tag', key, before, after: null } as const;
          await recordChange(deps, tx, actor, model, 'registry:delete-tag', fact);
        }
        if (model.is_prompt === 1 && key !== promptTag) {
          await announce(deps, tx, promptTagChanged(name, key, null));
        }
      });
    },
  };
}

const modelKind = 'Registered Model';
const promptKind = 'Prompt';
const isAboutPrompt = (tag: Tag): boolean => tag.key === promptTag;

/** The refusal of a name, in MLflow's words: for it, whatever has a prompt's tag is a prompt, even of value false. */
async function nameTaken(tx: Tx, name: string, kind: string): Promise<Error> {
  const present = await findModelRow(tx, name);
  const tag = present && (await modelTag(tx, present.id, promptTag));
  const taken = tag === undefined || tag === null ? modelKind : promptKind;
  if (kind === taken) return fail('registered_model_exists', { kind, name });
  const named = { name: pythonRepr(name), kind: kind.toLowerCase(), taken: taken.toLowerCase() };
  return fail('registered_name_taken', named);
}

/** Adds a registered model within a transaction. Throws `registered_model_exists`, `registered_name_taken`. */
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
  if (!model) throw await nameTaken(tx, name, tags.some(isAboutPrompt) ? promptKind : modelKind);
  for (const tag of tags) await setModelTagRow(tx, model.id, tag);
  const action = 'registry:create';
  await record(deps, tx, {
    actor,
    action,
    event: 'registered-model.created',
    model,
    after: { name },
    reason: noReason,
    history: [{ what: 'created' }],
    announcements: [modelCreated({ name, description, tags, isPrompt })],
  });
  return model;
}

/** Tells of a change of one fact of a model. */
async function recordChange(
  deps: RegistryDeps,
  tx: Tx,
  actor: Actor,
  model: ModelRow,
  action: string,
  fact: HistoryFact,
): Promise<void> {
  const event = 'registered-model.changed';
  const { before, after, key } = fact;
  const told = (value: string | null | undefined) => (key === undefined ? { value } : { key, value });
  const change = { actor, action, event, model, before: told(before), after: told(after) } as const;
  await record(deps, tx, { ...change, reason: noReason, history: [fact] });
}

function isTrue(value: string): boolean {
  return value.toLowerCase() === 'true';
}

async function oneModel(tx: Tx, row: ModelRow): Promise<RegisteredModelRecord> {
  const [model] = await hydrateRegisteredModels(tx, [row]);
  if (!model) throw fail('registered_model_unknown', { name: row.name });
  return model;
}
