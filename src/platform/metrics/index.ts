import { setImmediate } from 'node:timers/promises';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export { Counter, Gauge, Histogram, Registry };

/** A registry of one process's Prometheus metrics, with Node's own and the role as a label. */
export function createMetrics(role: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ role });
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** What a histogram has of one set of labels. */
interface CountedSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** How many observations are at most so large (`le`), `+Inf` last: each with those of the smaller ones. */
  readonly buckets: readonly (readonly [le: string, count: number])[];
  readonly sum: number;
  readonly count: number;
}

/** Registers a histogram whose counts are kept elsewhere and read when it is asked for. */
export function registerHistogram(
  registry: Registry,
  {
    name,
    help,
    read,
  }: { readonly name: string; readonly help: string; readonly read: () => Iterable<CountedSeries> },
): void {
  const samples = ({ labels, buckets, sum, count }: CountedSeries) => [
    ...buckets.map(([le, value]) => ({ metricName: `${name}_bucket`, labels: { ...labels, le }, value })),
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
  const metric = { name, help, type: 'histogram', aggregator: 'sum', collect() {} };
  const get = async () => ({ ...metric, values: [...read()].flatMap(samples) });
  // The library's own class has no way to set counts; what a registry asks of a metric is this.
  registry.registerMetric({ ...metric, get } as unknown as Histogram);
}

/** All metrics in Prometheus' text form, one at a time: hundreds of endpoints keep no request waiting for it. */
export async function metricsText(registry: Registry): Promise<string> {
  const families: string[] = [];
  for (const { name } of registry.getMetricsAsArray()) {
    families.push(await registry.getSingleMetricAsString(name));
    await setImmediate();
  }
  return `${families.join('\n\n')}\n`;
}
