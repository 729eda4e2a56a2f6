import type { Experiments, RunStatus } from '../../../lifecycle/experiments/index.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { createdRunJson, runInfoJson, runJson } from '../wire.ts';
import { checkedPageSize, tagFields, tagsOf, viewNames, viewOf } from './experiments.ts';

const statusNames = { RUNNING: 1, SCHEDULED: 2, FINISHED: 3, FAILED: 4, KILLED: 5 } as const;
/** A run by its id, under MLflow's old name for it too. */
export const byRun = { run_id: { kind: 'string', required: true, alias: 'run_uuid' } } as const;

const comma = Buffer.from(',');

/** An answer of runs that are JSON already. */
function runPage(texts: readonly Uint8Array[], next: string | null): Buffer {
  const token = next === null ? '' : `"next_page_token":${JSON.stringify(next)}`;
  if (texts.length === 0) return Buffer.from(`{${token}}`);
  const joined = texts.flatMap((text, i) => (i === 0 ? [text] : [comma, text]));
  return Buffer.concat([Buffer.from('{"runs":['), ...joined, Buffer.from(token ? `],${token}}` : ']}')]);
}

/** Runs themselves; what is logged to them is in `logging.ts`. */
export function runEndpoints({ runs, runModelTag }: Experiments): readonly Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/mlflow/runs/create',
      fields: {
        experiment_id: { kind: 'string' },
        start_time: { kind: 'int' },
        run_name: { kind: 'string' },
        user_id: { kind: 'string' },
        tags: { kind: 'objects', of: tagFields },
      },
      async handle(input, { actor }) {
        const run = await runs.create(actor, {
          experimentId: input.experiment_id ?? '',
          userId: input.user_id ?? '',
          startTimeMs: input.start_time ?? 0,
          name: input.run_name ?? '',
          tags: tagsOf(input.tags),
        });
        return { run: createdRunJson(run) };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/runs/update',
      fields: {
        ...byRun,
        status: { kind: 'enum', names: statusNames },
        end_time: { kind: 'int' },
        run_name: { kind: 'string' },
      },
      async handle(input, { actor }) {
        const status = input.status as RunStatus | undefined;
        const change = { status, endTimeMs: input.end_time, name: input.run_name };
        return { run_info: runInfoJson(await runs.update(actor, input.run_id, change)) };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/runs/get',
      fields: byRun,
      handle: async (input, { actor }) => ({ run: runJson(await runs.get(actor, input.run_id)) }),
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/runs/search',
      fields: {
        experiment_ids: { kind: 'strings' },
        filter: { kind: 'string' },
        run_view_type: { kind: 'enum', names: viewNames },
        max_results: { kind: 'int', max: 50_000 },
        order_by: { kind: 'strings' },
        page_token: { kind: 'string' },
      },
      async handle(input, { actor, reply }) {
        const page = await runs.searchJson(actor, {
          experimentIds: input.experiment_ids,
          filter: input.filter,
          orderBy: input.order_by,
          view: viewOf(input.run_view_type),
          limit: checkedPageSize(input.max_results ?? 1000),
          after: input.page_token,
        });
        reply.type('application/json');
        return runPage(page.items, page.next);
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/runs/delete',
      fields: byRun,
      async handle(input, { actor }) {
        await runs.delete(actor, input.run_id);
        return {};
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/runs/restore',
      fields: byRun,
      async handle(input, { actor }) {
        await runs.restore(actor, input.run_id);
        return {};
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/runs/log-model',
      fields: { run_id: { kind: 'string', required: true }, model_json: { kind: 'string', required: true } },
      async handle(input, { actor }) {
        await runModelTag.add(actor, input.run_id, input.model_json);
        return {};
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/runs/delete-tag',
      fields: { ...byRun, key: { kind: 'string', required: true } },
      async handle(input, { actor }) {
        await runs.deleteTag(actor, input.run_id, input.key);
        return {};
      },
    }),
  ];
}
