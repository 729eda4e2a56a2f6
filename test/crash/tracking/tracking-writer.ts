import { createRng, type Rng } from '../../../src/core/rng.ts';

interface AnsweredRun {
  /** `step time value` of each point, by metric. */
  readonly points: Map<string, Set<string>>;
  readonly params: Map<string, string>;
  readonly tags: Map<string, string>;
}

/** What the server has acknowledged. */
export interface Answered {
  readonly runs: Map<string, AnsweredRun>;
  requests: number;
}

interface Metric {
  readonly key: string;
  readonly value: number;
  readonly timestamp: number;
  readonly step: number;
}

const pointText = ({ step, timestamp, value }: Metric): string => `${step} ${timestamp} ${value}`;

/** Writes to runs as scripts do, in and out of order, until the server is gone; it remembers each answer. */
export class TrackingWriter {
  readonly #url: string;
  readonly #experimentId: string;
  readonly #answered: Answered;
  readonly #name: number;
  readonly #rng: Rng;
  #isStopped = false;
  #sent = 0;

  constructor(url: string, experimentId: string, answered: Answered, name: number) {
    this.#url = url;
    this.#experimentId = experimentId;
    this.#answered = answered;
    this.#name = name;
    this.#rng = createRng(name);
  }

  stop(): void {
    this.#isStopped = true;
  }

  async run(sharedRunId: string): Promise<void> {
    let own: string | undefined;
    while (!this.#isStopped) {
      try {
        if (own === undefined || this.#rng.int(20) === 0) own = await this.createRun();
        const runId = this.#rng.int(3) === 0 ? sharedRunId : own;
        if (this.#rng.int(2) === 0) await this.#logMetric(runId);
        else await this.#logBatch(runId);
      } catch {
        // Not answered: it may or may not be there.
        return;
      }
    }
  }

  async createRun(): Promise<string> {
    const answer = await this.#post('runs/create', { experiment_id: this.#experimentId, start_time: 1 });
    const { run } = answer as { readonly run: { readonly info: { readonly run_id: string } } };
    const runId = run.info.run_id;
    this.#answered.runs.set(runId, { points: new Map(), params: new Map(), tags: new Map() });
    return runId;
  }

  async #logMetric(runId: string): Promise<void> {
    const metric = this.#metric(0);
    await this.#post('runs/log-metric', { run_id: runId, ...metric });
    this.#remember(runId, [metric]);
  }

  async #logBatch(runId: string): Promise<void> {
    const metrics = Array.from({ length: 1 + this.#rng.int(40) }, (_, i) => this.#metric(i % 8));
    const name = `${this.#name}-${this.#sent}`;
    const params = [{ key: `p${name}`, value: 'a' }];
    const tags = [{ key: `t${name}`, value: 'b' }];
    await this.#post('runs/log-batch', { run_id: runId, metrics, params, tags });
    this.#remember(runId, metrics);
    this.#answered.runs.get(runId)?.params.set(`p${name}`, 'a');
    this.#answered.runs.get(runId)?.tags.set(`t${name}`, 'b');
  }

  #metric(key: number): Metric {
    this.#sent++;
    // Now and then a step from before.
    const step = this.#rng.int(10) === 0 ? this.#rng.int(this.#sent) : this.#sent;
    return {
      key: `m${key}`,
      value: this.#name + this.#rng.next(),
      timestamp: 1_700_000_000_000 + step,
      step,
    };
  }

  #remember(runId: string, metrics: readonly Metric[]): void {
    const points = this.#answered.runs.get(runId)?.points;
    for (const metric of metrics) {
      const ofKey = points?.get(metric.key) ?? new Set();
      points?.set(metric.key, ofKey.add(pointText(metric)));
    }
  }

  async #post(path: string, body: unknown): Promise<unknown> {
    const answer = await fetch(`${this.#url}/api/2.0/mlflow/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const read = await answer.json();
    if (!answer.ok) throw new Error(JSON.stringify(read));
    this.#answered.requests++;
    return read;
  }
}

interface Summary {
  readonly count: number;
  readonly last: number;
  readonly min: number;
  readonly max: number;
}

interface ReadRun extends AnsweredRun {
  readonly summaries: Readonly<Record<string, Summary>>;
  /** What the summaries have to be by the histories. */
  readonly expectedSummaries: Readonly<Record<string, Summary>>;
}

/** A run as the server tells of it, undefined when it does not know it. */
export async function readRun(
  url: string,
  runId: string,
  keys: readonly string[],
): Promise<ReadRun | undefined> {
  const answer = await fetch(`${url}/api/v1/runs/${runId}`);
  if (answer.status === 404) return undefined;
  const run = (await answer.json()) as {
    readonly params: Readonly<Record<string, string>>;
    readonly tags: Readonly<Record<string, string>>;
    readonly metrics: Readonly<Record<string, Summary>>;
  };
  const points = new Map<string, Set<string>>();
  const expectedSummaries: Record<string, Summary> = {};
  for (const key of new Set([...keys, ...Object.keys(run.metrics)])) {
    const history = await fetch(
      `${url}/api/2.0/mlflow/metrics/get-history?run_id=${runId}&metric_key=${key}`,
    );
    const { metrics = [] } = (await history.json()) as { readonly metrics?: readonly Metric[] };
    points.set(key, new Set(metrics.map(pointText)));
    const last = metrics.toSorted(
      (a, b) => a.step - b.step || a.timestamp - b.timestamp || a.value - b.value,
    );
    const values = metrics.map((metric) => metric.value);
    expectedSummaries[key] = {
      count: metrics.length,
      last: last.at(-1)?.value ?? Number.NaN,
      min: Math.min(...values),
      max: Math.max(...values),
    };
  }
  const summaries = Object.fromEntries(
    Object.entries(run.metrics).map(([key, { count, last, min, max }]) => [key, { count, last, min, max }]),
  );
  return {
    points,
    params: new Map(Object.entries(run.params)),
    tags: new Map(Object.entries(run.tags)),
    summaries,
    expectedSummaries,
  };
}
