import { type Experiments, invalidParameter } from '../../../lifecycle/experiments/index.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { list, metricJson, nextPage } from '../wire.ts';

const largestHistory = 25_000;
const largestRuns = 100;
const largestSample = 2500;

/** Histories of metrics. */
export function metricEndpoints({ metrics }: Experiments): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/mlflow/metrics/get-history',
      fields: {
        run_id: { kind: 'string', required: true, alias: 'run_uuid' },
        metric_key: { kind: 'string', required: true },
        max_results: { kind: 'int' },
        page_token: { kind: 'string' },
      },
      async handle(input, { actor }) {
        const { run_id: runId, metric_key: key, max_results: limit = null, page_token: after } = input;
        if (limit !== null && limit <= 0) {
          throw invalidParameter(
            `Invalid value ${limit} for parameter 'max_results' supplied. It must be a positive integer.`,
          );
        }
        const page = await metrics.history(actor, { runId, key, limit, after });
        const points = page.items.map((point) => metricJson(key, point));
        return { ...list('metrics', points), ...nextPage(page.next) };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/metrics/get-history-bulk-interval',
      fields: {
        run_ids: { kind: 'strings', required: true },
        metric_key: { kind: 'string', required: true },
        start_step: { kind: 'int' },
        end_step: { kind: 'int' },
        max_results: { kind: 'int' },
      },
      async handle(input, { actor }) {
        const { run_ids: runIds, metric_key: key, start_step: startStep, end_step: endStep } = input;
        const count = input.max_results ?? largestSample;
        if (runIds.length > largestRuns) {
          throw invalidParameter(
            `GetMetricHistoryBulkInterval request must specify at most ${largestRuns} run_ids. Received ${runIds.length} run_ids. See the API docs for more information about request parameters.`,
          );
        }
        if (count < 1 || count > largestSample) {
          throw invalidParameter(
            `max_results must be between 1 and ${largestSample}. See the API docs for more information about request parameters.`,
          );
        }
        const range = stepRange(startStep, endStep);
        const found = [];
        for (const runId of runIds) {
          const points = await metrics.sampled(actor, { runId, key, count, range });
          found.push(...points.map((point) => ({ ...metricJson(key, point), run_id: runId })));
        }
        return list('metrics', found);
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/metrics/get-history-bulk',
      fields: { run_id: { kind: 'strings' }, metric_key: { kind: 'string' }, max_results: { kind: 'int' } },
      async handle(input, { actor }) {
        const { run_id: runIds, metric_key: key, max_results: asked = largestHistory } = input;
        if (runIds.length === 0) {
          throw invalidParameter('GetMetricHistoryBulk request must specify at least one run_id.');
        }
        if (runIds.length > largestRuns) {
          throw invalidParameter(
            `GetMetricHistoryBulk request cannot specify more than ${largestRuns} run_ids. Received ${runIds.length} run_ids.`,
          );
        }
        if (key === undefined)
          throw invalidParameter('GetMetricHistoryBulk request must specify a metric_key.');
        const limit = Math.min(asked, largestHistory);
        const found = [];
        for (const runId of [...new Set(runIds)].sort()) {
          if (found.length >= limit) break;
          const page = await metrics.history(actor, { runId, key, limit: limit - found.length });
          found.push(...page.items.map((point) => ({ ...metricJson(key, point), run_id: runId })));
        }
        return { metrics: found };
      },
    }),
  ];
}

function stepRange(startStep: number | undefined, endStep: number | undefined) {
  if (startStep === undefined && endStep === undefined) return null;
  if (startStep === undefined || endStep === undefined) {
    throw invalidParameter('If either start step or end step are specified, both must be specified.');
  }
  if (startStep > endStep) {
    throw invalidParameter(
      `end_step must be greater than start_step. Found start_step=${startStep} and end_step=${endStep}.`,
    );
  }
  return { startStep, endStep };
}
