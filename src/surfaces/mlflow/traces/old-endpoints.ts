import { randomBytes } from 'node:crypto';
import {
  type Experiments,
  invalidParameter,
  sendFile,
  spansAreHere,
  type TraceState,
  traceKeys,
  traceStates,
} from '../../../lifecycle/experiments/index.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { tagFields, tagsOf } from '../endpoints/experiments.ts';
import { list, nextPage } from '../wire.ts';
import { largestPage, pageSize } from './endpoints.ts';
import { linkEndpoints, tagEndpoints } from './links.ts';
import { oldTraceInfoJson } from './wire.ts';

const statusNames = { TRACE_STATUS_UNSPECIFIED: 0, OK: 1, ERROR: 2, IN_PROGRESS: 3 } as const;
const pairFields = { kind: 'objects', of: tagFields } as const;

/** Traces as clients before MLflow 3 make and read them, below `/api/2.0`; their spans are an artifact. */
export function oldTraceEndpoints(tracking: Experiments): readonly Endpoint[] {
  const { traces, artifacts } = tracking;
  return [
    ...tagEndpoints(tracking, 'request_id'),
    ...linkEndpoints(tracking),
    endpoint({
      method: 'POST',
      path: '/mlflow/traces',
      fields: {
        experiment_id: { kind: 'string' },
        timestamp_ms: { kind: 'int' },
        request_metadata: pairFields,
        tags: pairFields,
      },
      async handle(input, { actor }) {
        const trace = await traces.startOld(actor, {
          id: randomBytes(16).toString('hex'),
          experimentId: input.experiment_id ?? '',
          startTimeMs: input.timestamp_ms ?? 0,
          durationMs: null,
          state: 'IN_PROGRESS',
          requestPreview: null,
          responsePreview: null,
          tags: tagsOf(input.tags),
          metadata: tagsOf(input.request_metadata),
        });
        return { trace_info: oldTraceInfoJson(trace) };
      },
    }),
    endpoint({
      method: 'PATCH',
      path: '/mlflow/traces/:request_id',
      fields: {
        request_id: { kind: 'string' },
        timestamp_ms: { kind: 'int' },
        status: { kind: 'enum', names: statusNames },
        request_metadata: pairFields,
        tags: pairFields,
      },
      async handle(input, { actor }) {
        const trace = await traces.endOld(actor, input.request_id ?? '', {
          endTimeMs: input.timestamp_ms ?? 0,
          state: stateOf(input.status),
          tags: tagsOf(input.tags),
          metadata: tagsOf(input.request_metadata),
        });
        return { trace_info: oldTraceInfoJson(trace) };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/get-trace-artifact',
      fields: { request_id: { kind: 'string' }, path: { kind: 'string' } },
      async handle(input, { actor, request, reply }) {
        const { request_id: id = '', path } = input;
        if (id === '') throw invalidParameter('Request must include the "request_id" query parameter.');
        const { trace, spans } = await traces.get(actor, id, { partial: true });
        if (path === undefined && spansAreHere(trace)) {
          const disposition = 'attachment; filename=traces.json';
          void reply.type('application/octet-stream').header('content-disposition', disposition);
          return `{"spans":[${spans.map((span) => span.content).join(',')}]}`;
        }
        const root = trace.tags.find((tag) => tag.key === traceKeys.artifactLocation)?.value ?? '';
        const name = path === undefined ? 'traces.json' : `attachments/${path}`;
        return sendFile(request, reply, await artifacts.open(actor, root, name), 'attachment');
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/traces/:request_id/info',
      fields: { request_id: { kind: 'string', required: true } },
      handle: async (input, { actor }) => ({
        trace_info: oldTraceInfoJson(await traces.info(actor, input.request_id)),
      }),
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/traces',
      fields: {
        experiment_ids: { kind: 'strings', required: true },
        filter: { kind: 'string' },
        max_results: { kind: 'int', max: largestPage },
        order_by: { kind: 'strings' },
        page_token: { kind: 'string' },
      },
      async handle(input, { actor }) {
        const page = await traces.search(actor, {
          experimentIds: input.experiment_ids,
          filter: input.filter,
          orderBy: input.order_by,
          limit: pageSize(input.max_results),
          after: input.page_token,
        });
        return { ...list('traces', page.items.map(oldTraceInfoJson)), ...nextPage(page.next) };
      },
    }),
  ];
}

function stateOf(status: string | undefined): TraceState {
  return traceStates.find((state) => state === status) ?? 'STATE_UNSPECIFIED';
}
