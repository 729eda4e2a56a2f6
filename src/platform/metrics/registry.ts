import {
  collectDefaultMetrics,
  type Histogram,
  type MetricObjectWithValues,
  type MetricValue,
  Registry as PromRegistry,
} from 'prom-client';

/** One process's Prometheus metrics, Node's own among them. */
export class Registry extends PromRegistry {
  /** A label of all of them. */
  readonly role: string;

  constructor(role: string) {
    super();
    this.role = role;
    this.setDefaultLabels({ role });
    collectDefaultMetrics({ register: this });
  }
}

/** A family of metrics as the library gives it: what is told of it, and its samples. */
export type MetricFamily = MetricObjectWithValues<MetricValue<string> & { readonly metricName?: string }>;

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
  const samples = function* () {
    for (const { labels, buckets, sum, count } of read()) {
      for (const [le, value] of buckets)
        yield { metricName: `${name}_bucket`, labels: { ...labels, le }, value };
      yield { metricName: `${name}_sum`, labels, value: sum };
      yield { metricName: `${name}_count`, labels, value: count };
    }
  };
  const metric = { name, help, type: 'histogram', aggregator: 'sum', collect() {} };
  const get = async () => ({ ...metric, values: samples() });
  // The library's own class has no way to set counts; what a registry asks of a metric is this.
  registry.registerMetric({ ...metric, get } as unknown as Histogram);
}
