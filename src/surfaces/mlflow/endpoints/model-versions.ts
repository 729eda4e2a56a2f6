import { fail, MillraceError } from '../../../core/errors.ts';
import { checkKey, invalidParameter } from '../../../lifecycle/experiments/index.ts';
import type { Registry } from '../../../lifecycle/registry/index.ts';
import { checkNamesNoHost } from '../artifact-location.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { list, listedVersionJson, nextPage, versionJson } from '../wire.ts';
import { tagFields, tagsOf } from './experiments.ts';
import { byName } from './registered-models.ts';

const promptTag = 'mlflow.prompt.is_prompt';
const byVersion = { ...byName, version: { kind: 'string', required: true } } as const;

/** Versions of registered models. */
export function modelVersionEndpoints(registry: Registry): readonly Endpoint[] {
  return versionEndpoints(registry).map((one) => ('version' in one.fields ? namingVersion(one) : one));
}

/** Without its model a version is not there either: MLflow says so of the version. */
function namingVersion(one: Endpoint): Endpoint {
  const handle: Endpoint['handle'] = async (input, call) => {
    try {
      return await one.handle(input, call);
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'registered_model_unknown') throw error;
      const { name, version } = input as Readonly<Record<string, unknown>>;
      throw fail('version_unknown', { name: String(name), version: Number(version) });
    }
  };
  return { ...one, handle };
}

function versionEndpoints(registry: Registry): readonly Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/mlflow/model-versions/create',
      fields: {
        ...byName,
        source: { kind: 'string', required: true },
        run_id: { kind: 'string' },
        tags: { kind: 'objects', of: tagFields },
        run_link: { kind: 'string' },
        description: { kind: 'string' },
        model_id: { kind: 'string' },
      },
      async handle(input, { actor }) {
        const isPrompt = input.tags.some(
          (tag) => tag.key === promptTag && tag.value?.toLowerCase() === 'true',
        );
        // Prompts are refused every source but their placeholders.
        if (!isPrompt) checkNamesNoHost(input.source, 'source');
        const version = await registry.registerVersion(actor, {
          name: input.name,
          source: input.source,
          runId: input.run_id,
          modelId: input.model_id,
          runLink: input.run_link,
          description: input.description,
          tags: tagsOf(input.tags),
        });
        return { model_version: versionJson(version) };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/model-versions/get',
      fields: byVersion,
      handle: async (input, { actor }) => ({
        model_version: versionJson(await registry.getVersion(actor, input.name, input.version)),
      }),
    }),
    endpoint({
      method: 'PATCH',
      path: '/mlflow/model-versions/update',
      fields: { ...byVersion, description: { kind: 'string' } },
      async handle(input, { actor }) {
        const { name, version, description } = input;
        return {
          model_version: versionJson(await registry.updateVersion(actor, name, version, description)),
        };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/model-versions/transition-stage',
      fields: {
        ...byVersion,
        stage: { kind: 'string', required: true },
        archive_existing_versions: { kind: 'bool' },
      },
      async handle(input, { actor }) {
        const { name, version, stage, archive_existing_versions: archiveOthers = false } = input;
        const moved = await registry.transitionStage(actor, name, version, { stage, archiveOthers });
        return { model_version: versionJson(moved) };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/mlflow/model-versions/delete',
      fields: byVersion,
      async handle(input, { actor }) {
        await registry.deleteVersion(actor, input.name, input.version);
        return {};
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/model-versions/search',
      fields: {
        filter: { kind: 'string' },
        max_results: { kind: 'int', max: 200_000 },
        order_by: { kind: 'strings' },
        page_token: { kind: 'string' },
      },
      async handle(input, { actor }) {
        const { filter, order_by: orderBy, max_results: limit = 200_000, page_token: after } = input;
        if (limit < 1) {
          throw invalidParameter(
            `Invalid value for max_results. It must be a positive integer, but got ${limit}`,
          );
        }
        const page = await registry.searchVersions(actor, { filter, orderBy, limit, after });
        return { ...list('model_versions', page.items.map(listedVersionJson)), ...nextPage(page.next) };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/model-versions/get-download-uri',
      fields: { name: { kind: 'string' }, version: { kind: 'string' } },
      async handle(input, { actor }) {
        const { name = '', version = '' } = input;
        if (name === '') throw invalidParameter("Missing value for required parameter 'name'.");
        return { artifact_uri: (await registry.getVersion(actor, name, version)).storageLocation };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/model-versions/set-tag',
      fields: { ...byVersion, key: { kind: 'string', required: true }, value: { kind: 'string' } },
      async handle(input, { actor }) {
        const { name, version, key, value = '' } = input;
        await registry.setVersionTag(actor, name, version, { key, value });
        return {};
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/mlflow/model-versions/delete-tag',
      fields: { ...byVersion, key: { kind: 'string', required: true } },
      async handle(input, { actor }) {
        checkKey(input.key, 'key');
        await registry.deleteVersionTag(actor, input.name, input.version, input.key);
        return {};
      },
    }),
  ];
}
