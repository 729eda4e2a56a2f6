import type { BatchPart, ModelRun } from './batcher.ts';
import type { PredictRequest } from './request.ts';

/** How often something happened and how long it took in all. */
export interface DurationSum {
  count: number;
  ns: number;
}

/** Upper ends of the buckets that parts of a request are counted in, milliseconds; the last bucket has no end. */
export const partBoundsMs = [
  ...[0.5, 1, 2.5, 5, 10, 25, 50, 75, 100, 250, 500, 750],
  ...[1000, 2500, 5000, 7500, 10_000],
] as const;

/** How often something took so long: a count for each bucket of `partBoundsMs`, and one for what took longer. */
type PartBuckets = number[];

/** Runs of one size, and the parts of their time. */
export interface BatchStatistics {
  readonly computeInput: DurationSum;
  readonly computeInfer: DurationSum;
  readonly computeOutput: DurationSum;
}

/** What a version did on an endpoint since the server was started, as Triton's statistics extension has it. */
export interface ModelStatistics {
  /** Epoch milliseconds; 0: never. */
  lastInferenceMs: number;
  /** Rows that were answered, and runs of the model that computed them. */
  inferenceCount: number;
  executionCount: number;
  /** Requests, from complete to logged. */
  readonly success: DurationSum;
  readonly fail: DurationSum;
  /** Parts of the time of answered requests. */
  readonly queue: DurationSum;
  readonly computeInput: DurationSum;
  readonly computeInfer: DurationSum;
  readonly computeOutput: DurationSum;
  /** The same parts, by how long they took. */
  readonly buckets: Readonly<Record<'computeInput' | 'computeInfer' | 'computeOutput', PartBuckets>>;
  /** Requests that the response cache was asked for. */
  readonly cacheHit: DurationSum;
  readonly cacheMiss: DurationSum;
  /** Runs by their number of rows. */
  readonly batches: Map<number, BatchStatistics>;
}

const nsPerMs = 1e6;
const noTimes: ModelRun['timesMs'] = { input: 0, infer: 0, output: 0 };
const none = (): DurationSum => ({ count: 0, ns: 0 });
const noBuckets = (): PartBuckets => new Array<number>(partBoundsMs.length + 1).fill(0);

type AnsweredRequest = Pick<PredictRequest, 'endpoint' | 'startedMs' | 'receivedAtMs'>;

/** Statistics of all versions of all endpoints of a data plane. */
export class StatisticsBook {
  readonly #endpoints = new Map<string, Map<string, ModelStatistics>>();

  /** Of all versions that an endpoint has asked, also those that it no longer does, and of endpoints that are gone: counters never fall. */
  *endpoints(): Generator<readonly [endpoint: string, versions: readonly ModelStatistics[]]> {
    for (const [endpoint, versions] of this.#endpoints) yield [endpoint, [...versions.values()]];
  }

  /** Null when the version was never asked. */
  of(endpoint: string, version: string): ModelStatistics | null {
    return this.#endpoints.get(endpoint)?.get(version) ?? null;
  }

  /**
   * Counts a request that was answered.
   *
   * @param endedMs when its rows were in the log, on the monotonic clock
   */
  answered(
    { endpoint, startedMs, receivedAtMs }: AnsweredRequest,
    version: string,
    rowCount: number,
    endedMs: number,
    part: BatchPart,
  ): void {
    const { queuedMs = 0, queuedAtMs = startedMs, timesMs = noTimes, runs = [], cache } = part;
    const statistics = this.#statistics(endpoint, version);
    const totalMs = endedMs - startedMs;
    const inputMs = queuedAtMs - startedMs + timesMs.input;
    statistics.lastInferenceMs = Math.round(receivedAtMs + totalMs);
    statistics.inferenceCount += rowCount;
    add(statistics.success, totalMs);
    if (cache) add(cache.hit ? statistics.cacheHit : statistics.cacheMiss, cache.ms);
    if (cache?.hit) return;
    add(statistics.queue, queuedMs);
    const outputMs = Math.max(0, totalMs - inputMs - queuedMs - timesMs.infer);
    add(statistics.computeInput, inputMs);
    add(statistics.computeInfer, timesMs.infer);
    add(statistics.computeOutput, outputMs);
    const { buckets } = statistics;
    countIn(buckets.computeInput, inputMs);
    countIn(buckets.computeInfer, timesMs.infer);
    countIn(buckets.computeOutput, outputMs);
    for (const run of runs) addRun(statistics, run);
  }

  failed(endpoint: string, version: string, startedMs: number): void {
    add(this.#statistics(endpoint, version).fail, performance.now() - startedMs);
  }

  #statistics(endpoint: string, version: string): ModelStatistics {
    let versions = this.#endpoints.get(endpoint);
    if (!versions) {
      versions = new Map();
      this.#endpoints.set(endpoint, versions);
    }
    let statistics = versions.get(version);
    if (!statistics) {
      statistics = {
        lastInferenceMs: 0,
        inferenceCount: 0,
        executionCount: 0,
        success: none(),
        fail: none(),
        queue: none(),
        computeInput: none(),
        computeInfer: none(),
        computeOutput: none(),
        buckets: { computeInput: noBuckets(), computeInfer: noBuckets(), computeOutput: noBuckets() },
        cacheHit: none(),
        cacheMiss: none(),
        batches: new Map(),
      };
      versions.set(version, statistics);
    }
    return statistics;
  }
}

function addRun(statistics: ModelStatistics, { rows, timesMs }: ModelRun): void {
  statistics.executionCount++;
  let batch = statistics.batches.get(rows);
  if (!batch) {
    batch = { computeInput: none(), computeInfer: none(), computeOutput: none() };
    statistics.batches.set(rows, batch);
  }
  add(batch.computeInput, timesMs.input);
  add(batch.computeInfer, timesMs.infer);
  add(batch.computeOutput, timesMs.output);
}

/** Most parts take less than a millisecond: the search begins there. */
function countIn(buckets: PartBuckets, ms: number): void {
  let at = 0;
  while (at < partBoundsMs.length && ms > (partBoundsMs[at] ?? 0)) at++;
  buckets[at] = (buckets[at] ?? 0) + 1;
}

function add(sum: DurationSum, ms: number): void {
  sum.count++;
  sum.ns += Math.round(ms * nsPerMs);
}
