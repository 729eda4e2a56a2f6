import { checkKey } from '../../../lifecycle/experiments/index.ts';
import type { RegisteredModelRecord, Registry } from '../../../lifecycle/registry/index.ts';
import type { Actor } from '../../../platform/access/index.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { list, nextPage, registeredModelJson, versionJson } from '../wire.ts';
import { tagFields, tagsOf } from './experiments.ts';

export const byName = { name: { kind: 'string', required: true } } as const;

/** Registered models and their aliases. */
export function registeredModelEndpoints(registry: Registry): readonly Endpoint[] {
  const withVersions = async (actor: Actor, model: RegisteredModelRecord) =>
    registeredModelJson(model, await registry.latestVersions(actor, model.name));
  const byAlias = { ...byName, alias: { kind: 'string', required: true } } as const;

  return [
    endpoint({
      method: 'POST',
      path: '/mlflow/registered-models/create',
      fields: { ...byName, tags: { kind: 'objects', of: tagFields }, description: { kind: 'string' } },
      async handle(input, { actor }) {
        const { name, description } = input;
        const model = await registry.createModel(actor, { name, description, tags: tagsOf(input.tags) });
        return { registered_model: registeredModelJson(model, []) };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/registered-models/get',
      fields: byName,
      handle: async (input, { actor }) => ({
        registered_model: await withVersions(actor, await registry.getModel(actor, input.name)),
      }),
    }),
    endpoint({
      method: 'PATCH',
      path: '/mlflow/registered-models/update',
      fields: { ...byName, description: { kind: 'string' } },
      async handle(input, { actor }) {
        const model = await registry.updateModel(actor, input.name, input.description ?? '');
        return { registered_model: await withVersions(actor, model) };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/registered-models/rename',
      fields: { ...byName, new_name: { kind: 'string', required: true } },
      async handle(input, { actor }) {
        const model = await registry.renameModel(actor, input.name, input.new_name);
        return { registered_model: await withVersions(actor, model) };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/mlflow/registered-models/delete',
      fields: byName,
      async handle(input, { actor }) {
        await registry.deleteModel(actor, input.name);
        return {};
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/registered-models/search',
      fields: {
        filter: { kind: 'string' },
        max_results: { kind: 'int', max: 1000 },
        order_by: { kind: 'strings' },
        page_token: { kind: 'string' },
      },
      async handle(input, { actor }) {
        const { filter, order_by: orderBy, max_results: limit = 100, page_token: after } = input;
        const page = await registry.searchModels(actor, { filter, orderBy, limit, after });
        const models = await Promise.all(page.items.map((model) => withVersions(actor, model)));
        return { ...list('registered_models', models), ...nextPage(page.next) };
      },
    }),
    endpoint({
      method: ['GET', 'POST'],
      path: '/mlflow/registered-models/get-latest-versions',
      fields: { ...byName, stages: { kind: 'strings' } },
      async handle(input, { actor }) {
        const versions = await registry.latestVersions(actor, input.name, input.stages);
        return list('model_versions', versions.map(versionJson));
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/registered-models/set-tag',
      fields: { ...byName, key: { kind: 'string', required: true }, value: { kind: 'string' } },
      async handle(input, { actor }) {
        await registry.setModelTag(actor, input.name, { key: input.key, value: input.value ?? '' });
        return {};
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/mlflow/registered-models/delete-tag',
      fields: { ...byName, key: { kind: 'string', required: true } },
      async handle(input, { actor }) {
        checkKey(input.key, 'key');
        await registry.deleteModelTag(actor, input.name, input.key);
        return {};
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/registered-models/alias',
      fields: { ...byAlias, version: { kind: 'string', required: true } },
      async handle(input, { actor }) {
        await registry.setAlias(actor, input);
        return {};
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/mlflow/registered-models/alias',
      fields: byAlias,
      async handle(input, { actor }) {
        await registry.clearAlias(actor, input);
        return {};
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/registered-models/alias',
      fields: byAlias,
      handle: async (input, { actor }) => ({
        model_version: versionJson(await registry.versionByAlias(actor, input.name, input.alias)),
      }),
    }),
  ];
}
