import { type Experiments, invalidParameter, traceKeys } from '../../../lifecycle/experiments/index.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';

/** Tags that tell where the spans are. */
const systemTags: readonly string[] = [
  traceKeys.spansLocation,
  'mlflow.trace.archiveLocation',
  'mlflow.trace.archivalFailure',
];

/** Tags of a trace; the name of its id in the path differs between the versions of the API. */
export function tagEndpoints({ traces }: Experiments, id: 'trace_id' | 'request_id'): readonly Endpoint[] {
  const path = `/mlflow/traces/:${id}/tags`;
  const traceId = { trace_id: { kind: 'string' }, request_id: { kind: 'string' } } as const;
  return [
    endpoint({
      method: 'PATCH',
      path,
      fields: { ...traceId, key: { kind: 'string', required: true }, value: { kind: 'string' } },
      async handle(input, { actor }) {
        refuseSystemTag(input.key, 'set');
        await traces.setTag(actor, input[id] ?? '', { key: input.key, value: input.value ?? '' });
        return {};
      },
    }),
    endpoint({
      method: 'DELETE',
      path,
      fields: { ...traceId, key: { kind: 'string', required: true } },
      async handle(input, { actor }) {
        if (input.key !== 'mlflow.trace.archivalFailure') refuseSystemTag(input.key, 'deleted');
        await traces.deleteTag(actor, input[id] ?? '', input.key);
        return {};
      },
    }),
  ];
}

function refuseSystemTag(key: string, verb: string): void {
  if (systemTags.includes(key)) {
    throw invalidParameter(`Tag '${key}' is immutable and cannot be ${verb} on a trace.`);
  }
}

/** What traces belong to, and deleting them: the same in both versions of the API. */
export function linkEndpoints({ traces }: Experiments): readonly Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/mlflow/traces/delete-traces',
      fields: {
        experiment_id: { kind: 'string', required: true },
        max_timestamp_millis: { kind: 'int' },
        max_traces: { kind: 'int' },
        request_ids: { kind: 'strings' },
      },
      async handle(input, { actor }) {
        const which = {
          ids: input.request_ids,
          untilMs: input.max_timestamp_millis,
          max: input.max_traces,
        };
        return { traces_deleted: await traces.delete(actor, input.experiment_id, which) };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/traces/link-to-run',
      fields: { trace_ids: { kind: 'strings' }, run_id: { kind: 'string', required: true } },
      async handle(input, { actor }) {
        await traces.linkToRun(actor, input.run_id, input.trace_ids);
        return {};
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/traces/link-prompts',
      fields: {
        trace_id: { kind: 'string', required: true },
        prompt_versions: {
          kind: 'objects',
          required: true,
          of: { name: { kind: 'string' }, version: { kind: 'string' } },
        },
      },
      async handle(input, { actor }) {
        const prompts = input.prompt_versions.map(({ name = '', version = '' }) => `${name}/${version}`);
        await traces.linkPrompts(actor, input.trace_id, prompts);
        return {};
      },
    }),
  ];
}
