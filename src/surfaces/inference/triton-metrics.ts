import type { ModelStatistics, Plane } from '../../lifecycle/serving/index.ts';
import { Counter, type Registry } from '../../platform/metrics/index.ts';

/** A counter of Triton's, and where its value is in the statistics. Times are microseconds. */
const tritonCounters: readonly {
  readonly name: string;
  readonly help: string;
  readonly value: (statistics: ModelStatistics) => number;
}[] = [
  {
    name: 'nv_inference_request_success',
    help: 'Requests that were answered',
    value: (s) => s.success.count,
  },
  { name: 'nv_inference_request_failure', help: 'Requests that failed', value: (s) => s.fail.count },
  { name: 'nv_inference_count', help: 'Rows that were answered', value: (s) => s.inferenceCount },
  { name: 'nv_inference_exec_count', help: 'Runs of the model', value: (s) => s.executionCount },
  {
    name: 'nv_inference_request_duration_us',
    help: 'Time of all requests, from complete to logged, in microseconds',
    value: (s) => (s.success.ns + s.fail.ns) / 1000,
  },
  {
    name: 'nv_inference_queue_duration_us',
    help: 'Time that requests waited for the model, in microseconds',
    value: (s) => s.queue.ns / 1000,
  },
  {
    name: 'nv_inference_compute_input_duration_us',
    help: 'Time of checking and laying out inputs, in microseconds',
    value: (s) => s.computeInput.ns / 1000,
  },
  {
    name: 'nv_inference_compute_infer_duration_us',
    help: 'Time of the model itself, in microseconds',
    value: (s) => s.computeInfer.ns / 1000,
  },
  {
    name: 'nv_inference_compute_output_duration_us',
    help: 'Time of taking outputs apart and logging, in microseconds',
    value: (s) => s.computeOutput.ns / 1000,
  },
];

/** KServe's parts of a request, by its names; sums in seconds. */
const kserveParts: readonly { readonly name: string; readonly part: keyof ModelStatistics & string }[] = [
  { name: 'request_preprocess_seconds', part: 'computeInput' },
  { name: 'request_predict_seconds', part: 'computeInfer' },
  { name: 'request_postprocess_seconds', part: 'computeOutput' },
];

/**
 * The counters that dashboards of Triton and KServe look for, made from the plane's own statistics when they are read:
 * a prediction pays nothing for them. There is one series for each version that is routed now, no more.
 */
export function registerPeerMetrics(registry: Registry, plane: Plane): void {
  if (registry.getSingleMetric('nv_inference_count')) return;
  const counter = (
    name: string,
    help: string,
    labelNames: readonly ['model', 'version'] | readonly ['model_name'],
    value: (statistics: ModelStatistics) => number,
  ) =>
    new Counter({
      name,
      help,
      labelNames: [...labelNames] as string[],
      registers: [registry],
      collect() {
        this.reset();
        for (const { model, version, statistics } of routed(plane)) {
          const labels = labelNames.length === 1 ? { model_name: model } : { model, version };
          this.inc(labels, value(statistics));
        }
      },
    });
  for (const { name, help, value } of tritonCounters) counter(name, help, ['model', 'version'], value);
  for (const { name, part } of kserveParts) {
    const sum = (s: ModelStatistics) => s[part] as { readonly count: number; readonly ns: number };
    counter(`${name}_sum`, `Seconds of ${name} in all`, ['model_name'], (s) => sum(s).ns / 1e9);
    counter(`${name}_count`, `Requests of ${name}`, ['model_name'], (s) => sum(s).count);
  }
}

function* routed(plane: Plane): Generator<{ model: string; version: string; statistics: ModelStatistics }> {
  for (const { route } of plane.endpoints) {
    const versions = new Set(route.arms.map((arm) => arm.modelVersion));
    for (const version of versions) {
      const statistics = plane.statistics.of(route.endpoint, version);
      if (statistics) yield { model: route.endpoint, version, statistics };
    }
  }
}
