import { type ModelStatistics, type Plane, partBoundsMs } from '../../lifecycle/serving/index.ts';
import { Counter, Gauge, type Registry, registerHistogram } from '../../platform/metrics/index.ts';

/** A counter of Triton's, and where its value is in the statistics; null: it has none. Times are microseconds. */
const tritonCounters: readonly {
  readonly name: string;
  readonly help: string;
  readonly value: (statistics: ModelStatistics) => number | null;
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
  {
    name: 'nv_cache_num_hits_per_model',
    help: 'Requests that were answered out of the cache',
    value: (s) => (hasCache(s) ? s.cacheHit.count : null),
  },
  {
    name: 'nv_cache_num_misses_per_model',
    help: 'Requests that were looked for in the cache in vain',
    value: (s) => (hasCache(s) ? s.cacheMiss.count : null),
  },
  {
    name: 'nv_cache_hit_duration_per_model',
    help: 'Time of looking up what the cache had, in microseconds',
    value: (s) => (hasCache(s) ? s.cacheHit.ns / 1000 : null),
  },
  {
    name: 'nv_cache_miss_duration_per_model',
    help: 'Time of looking up what the cache did not have, in microseconds',
    value: (s) => (hasCache(s) ? s.cacheMiss.ns / 1000 : null),
  },
];

function hasCache({ cacheHit, cacheMiss }: ModelStatistics): boolean {
  return cacheHit.count + cacheMiss.count > 0;
}

/** KServe's parts of a request, by its names. */
const kserveParts: readonly {
  readonly name: string;
  readonly help: string;
  readonly part: keyof ModelStatistics['buckets'];
}[] = [
  {
    name: 'request_preprocess_seconds',
    help: 'Time of checking and laying out inputs',
    part: 'computeInput',
  },
  { name: 'request_predict_seconds', help: 'Time of the model itself', part: 'computeInfer' },
  {
    name: 'request_postprocess_seconds',
    help: 'Time of taking outputs apart and logging',
    part: 'computeOutput',
  },
];

/**
 * What dashboards of Triton and KServe look for, made from the plane's own statistics when it is read: a prediction pays
 * next to nothing for it. Triton's have one series for each version that is routed now, no more. KServe's know no
 * versions: they are sums over all that ever were, since a sum that falls when a version goes, and rises when it comes
 * back, is a burst of requests to whoever takes rates of it.
 */
export function registerPeerMetrics(registry: Registry, plane: Plane): void {
  if (registry.getSingleMetric('nv_inference_count')) return;
  for (const { name, help, value } of tritonCounters) {
    new Counter({
      name,
      help,
      labelNames: ['model', 'version'],
      registers: [registry],
      collect() {
        this.reset();
        for (const { model, version, statistics } of routed(plane)) {
          const told = statistics && value(statistics);
          if (told !== null) this.inc({ model, version }, told);
        }
      },
    });
  }
  new Gauge({
    name: 'nv_inference_pending_request_count',
    help: 'Requests that wait for the model',
    labelNames: ['model', 'version'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { model, version, waiting } of routed(plane)) this.set({ model, version }, waiting);
    },
  });
  for (const part of kserveParts) registerPart(registry, plane, part);
}

function registerPart(
  registry: Registry,
  plane: Plane,
  { name, help, part }: (typeof kserveParts)[number],
): void {
  const seriesOf = ([endpoint, versions]: readonly [string, readonly ModelStatistics[]]) => {
    const sum = (of: (statistics: ModelStatistics) => number) =>
      versions.reduce((total, statistics) => total + of(statistics), 0);
    let count = 0;
    const buckets = partEnds.map((le, i) => {
      count += sum((s) => s.buckets[part][i] ?? 0);
      return [le, count] as const;
    });
    const labels = { model_name: endpoint };
    return { labels, buckets, sum: sum((s) => s[part].ns) / 1e9, count: sum((s) => s[part].count) };
  };
  const read = () => [...plane.statistics.endpoints()].map(seriesOf);
  registerHistogram(registry, { name, help, read });
}

const partEnds: readonly string[] = [...partBoundsMs.map((ms) => String(ms / 1000)), '+Inf'];

/** The versions that are routed now; those that were never asked have no statistics. */
function* routed(plane: Plane): Generator<{
  readonly model: string;
  readonly version: string;
  readonly waiting: number;
  readonly statistics: ModelStatistics | null;
}> {
  for (const { route, arms } of plane.endpoints) {
    const models = new Map(arms.map((arm) => [arm.modelVersion, arm.model]));
    for (const [version, { waiting }] of models) {
      const statistics = plane.statistics.of(route.endpoint, version);
      yield { model: route.endpoint, version, waiting, statistics };
    }
  }
}
