import { type Experiments, invalidParameter, type View } from '../../../lifecycle/experiments/index.ts';
import { checkLocation } from '../artifact-location.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { experimentJson, list, nextPage, optional } from '../wire.ts';

/** MLflow's `ViewType`, by name and by number. */
export const viewNames = { ACTIVE_ONLY: 1, DELETED_ONLY: 2, ALL: 3 } as const;
const views: Readonly<Record<string, View>> = { ACTIVE_ONLY: 'active', DELETED_ONLY: 'deleted', ALL: 'all' };
/** The fields of a tag in a request. */
export const tagFields = { key: { kind: 'string' }, value: { kind: 'string' } } as const;

/** What a `ViewType` shows; active ones where it is left out or unknown. */
export function viewOf(name: string | undefined): View {
  return views[name ?? 'ACTIVE_ONLY'] ?? 'active';
}

/** Tags of a request; a value that was left out is empty. */
export function tagsOf(
  tags: readonly { readonly key?: string | undefined; readonly value?: string | undefined }[],
) {
  return tags.map(({ key = '', value = '' }) => ({ key, value }));
}

const largestPage = 50_000;

/** A page size that experiments and runs allow. Throws `tracking_invalid` with MLflow's texts. */
export function checkedPageSize(limit: number): number {
  const start = `Invalid value ${limit} for parameter 'max_results' supplied. It must be`;
  if (limit < 1) throw invalidParameter(`${start} a positive integer`);
  if (limit > largestPage) throw invalidParameter(`${start} at most ${largestPage}`);
  return limit;
}

export function experimentEndpoints({ experiments, datasets }: Experiments): readonly Endpoint[] {
  const byId = { experiment_id: { kind: 'string', required: true } } as const;
  return [
    endpoint({
      method: 'POST',
      path: '/mlflow/experiments/create',
      fields: {
        name: { kind: 'string', required: true },
        artifact_location: { kind: 'string' },
        tags: { kind: 'objects', of: tagFields },
      },
      async handle(input, { actor }) {
        const { name, artifact_location: artifactLocation } = input;
        if (artifactLocation) checkLocation(artifactLocation);
        const tags = tagsOf(input.tags);
        return { experiment_id: await experiments.create(actor, { name, artifactLocation, tags }) };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/experiments/get',
      fields: byId,
      handle: async (input, { actor }) => ({
        experiment: experimentJson(await experiments.get(actor, input.experiment_id)),
      }),
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/experiments/get-by-name',
      fields: { experiment_name: { kind: 'string', required: true } },
      handle: async (input, { actor }) => ({
        experiment: experimentJson(await experiments.getByName(actor, input.experiment_name)),
      }),
    }),
    endpoint({
      method: ['GET', 'POST'],
      path: '/mlflow/experiments/search',
      fields: {
        view_type: { kind: 'enum', names: viewNames },
        max_results: { kind: 'int' },
        order_by: { kind: 'strings' },
        filter: { kind: 'string' },
        page_token: { kind: 'string' },
      },
      async handle(input, { actor }) {
        const page = await experiments.search(actor, {
          filter: input.filter ?? '',
          orderBy: input.order_by,
          view: viewOf(input.view_type),
          limit: checkedPageSize(input.max_results ?? 0),
          after: input.page_token,
        });
        return { ...list('experiments', page.items.map(experimentJson)), ...nextPage(page.next) };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/experiments/delete',
      fields: byId,
      async handle(input, { actor }) {
        await experiments.delete(actor, input.experiment_id);
        return {};
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/experiments/restore',
      fields: byId,
      async handle(input, { actor }) {
        await experiments.restore(actor, input.experiment_id);
        return {};
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/experiments/update',
      fields: { ...byId, new_name: { kind: 'string', required: true } },
      async handle(input, { actor }) {
        await experiments.rename(actor, input.experiment_id, input.new_name);
        return {};
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/experiments/set-experiment-tag',
      fields: { ...byId, key: { kind: 'string', required: true }, value: { kind: 'string' } },
      async handle(input, { actor }) {
        await experiments.setTag(actor, input.experiment_id, { key: input.key, value: input.value ?? '' });
        return {};
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/experiments/delete-experiment-tag',
      fields: { ...byId, key: { kind: 'string', required: true } },
      async handle(input, { actor }) {
        await experiments.deleteTag(actor, input.experiment_id, input.key);
        return {};
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/experiments/search-datasets',
      fields: { experiment_ids: { kind: 'strings' } },
      async handle(input, { actor }) {
        const found = await datasets.search(actor, input.experiment_ids);
        return list(
          'dataset_summaries',
          found.map(({ experimentId, name, digest, context }) => ({
            experiment_id: experimentId,
            name,
            digest,
            ...optional('context', context),
          })),
        );
      },
    }),
  ];
}
