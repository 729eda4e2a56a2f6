import {
  type Experiments,
  invalidParameter,
  isComplete,
  spansAreHere,
  type TraceWithSpans,
} from '../../../lifecycle/experiments/index.ts';
import type { FastifyReply } from '../../../platform/http/index.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { list, nextPage } from '../wire.ts';
import { linkEndpoints, tagEndpoints } from './links.ts';
import { judgementOf, readAssessment, readTrace, toAssessment } from './read.ts';
import { assessmentJson, traceInfoJson, traceJson } from './wire.ts';

/** Largest page of a search. */
export const largestPage = 500;
const defaultPage = 100;

/** A page size as MLflow checks it. Throws `tracking_invalid`. */
export function pageSize(limit = defaultPage): number {
  if (limit >= 1) return limit;
  throw invalidParameter(
    `Invalid value ${limit} for parameter 'max_results' supplied. It must be a positive integer`,
  );
}

/** Traces of MLflow 3, below `/api/3.0`. */
export function traceEndpoints(tracking: Experiments): readonly Endpoint[] {
  const { traces, assessments } = tracking;
  const byIds = {
    trace_ids: { kind: 'strings', required: true },
    experiment_ids: { kind: 'strings' },
  } as const;
  const byAssessment = { trace_id: { kind: 'string' }, assessment_id: { kind: 'string' } } as const;
  return [
    ...tagEndpoints(tracking, 'trace_id'),
    ...linkEndpoints(tracking),
    endpoint({
      method: 'POST',
      path: '/mlflow/traces',
      fields: { trace: { kind: 'json', required: true } },
      async handle(input, { actor }) {
        const trace = await traces.start(actor, readTrace(input.trace, traces.nowMs()));
        return { trace: { trace_info: traceInfoJson(trace) } };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/traces/:trace_id',
      fields: { trace_id: { kind: 'string', required: true } },
      handle: async (input, { actor }) => ({
        trace: { trace_info: traceInfoJson(await traces.info(actor, input.trace_id)) },
      }),
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/traces/get',
      fields: { trace_id: { kind: 'string', required: true }, allow_partial: { kind: 'bool' } },
      async handle(input, { actor, reply }) {
        const options = { partial: input.allow_partial ?? false };
        const found = await traces.get(actor, input.trace_id, options);
        return exactReply(reply, { trace: withSpans(found) });
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/traces/batchGet',
      fields: byIds,
      async handle(input, { actor, reply }) {
        const found = await traces.many(actor, input.trace_ids, scope(input.experiment_ids));
        const whole = found.filter((item) => !spansAreHere(item.trace) || isComplete(item));
        return exactReply(reply, list('traces', whole.map(withSpans)));
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/traces/batchGetInfos',
      fields: byIds,
      async handle(input, { actor }) {
        const found = await traces.infos(actor, input.trace_ids, scope(input.experiment_ids));
        return list('trace_infos', found.map(traceInfoJson));
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/traces/search',
      fields: {
        locations: {
          kind: 'objects',
          required: true,
          of: { mlflow_experiment: { kind: 'object', of: { experiment_id: { kind: 'string' } } } },
        },
        filter: { kind: 'string' },
        max_results: { kind: 'int', max: largestPage },
        order_by: { kind: 'strings' },
        page_token: { kind: 'string' },
      },
      async handle(input, { actor }) {
        const page = await traces.search(actor, {
          experimentIds: input.locations.flatMap(({ mlflow_experiment: at }) => at?.experiment_id ?? []),
          filter: input.filter,
          orderBy: input.order_by,
          limit: pageSize(input.max_results),
          after: input.page_token,
        });
        return { ...list('traces', page.items.map(traceInfoJson)), ...nextPage(page.next) };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/traces/:trace_id/assessments',
      fields: { trace_id: { kind: 'string' }, assessment: { kind: 'json', required: true } },
      async handle(input, { actor }) {
        const read = readAssessment(input.assessment);
        const made = toAssessment(read, input.trace_id ?? '', traces.nowMs());
        return { assessment: assessmentJson(await assessments.create(actor, made)) };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/traces/:trace_id/assessments/:assessment_id',
      fields: byAssessment,
      async handle(input, { actor }) {
        const { trace_id: traceId = '', assessment_id: id = '' } = input;
        return { assessment: assessmentJson(await assessments.get(actor, traceId, id)) };
      },
    }),
    endpoint({
      method: 'PATCH',
      path: '/mlflow/traces/:trace_id/assessments/:assessment_id',
      fields: {
        ...byAssessment,
        assessment: { kind: 'json', required: true },
        update_mask: { kind: 'string', required: true },
      },
      async handle(input, { actor }) {
        const { trace_id: traceId = '', assessment_id: id = '' } = input;
        const read = readAssessment(input.assessment);
        const named = new Set(input.update_mask.split(',').map((name) => name.trim()));
        const changed = await assessments.update(actor, traceId, id, {
          ...(named.has('assessmentName') || named.has('assessment_name')
            ? { name: read.assessment_name }
            : {}),
          ...(named.has('expectation') || named.has('feedback') ? judgementOf(read) : {}),
          ...(named.has('rationale') ? { rationale: read.rationale } : {}),
          ...(named.has('metadata') ? { metadata: read.metadata } : {}),
        });
        return { assessment: assessmentJson(changed) };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/mlflow/traces/:trace_id/assessments/:assessment_id',
      fields: byAssessment,
      async handle(input, { actor }) {
        await assessments.delete(actor, input.trace_id ?? '', input.assessment_id ?? '');
        return {};
      },
    }),
  ];
}

const scope = (experimentIds: readonly string[]) => (experimentIds.length > 0 ? experimentIds : null);

/** Clients read spans that are kept in an artifact from there, and tell by the trace's tag. */
function withSpans({ trace, spans }: TraceWithSpans) {
  if (!spansAreHere(trace)) throw invalidParameter('Trace data not stored in tracking store');
  return traceJson(trace, spans);
}

/** A reply whose 64-bit integers keep their digits. */
function exactReply(reply: FastifyReply, body: unknown): string {
  void reply.type('application/json');
  return JSON.stringify(body);
}
