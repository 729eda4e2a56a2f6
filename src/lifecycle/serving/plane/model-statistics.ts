import type { BatchPart } from './batcher.ts';

/** How often something happened and how long it took in all. */
export interface DurationSum {
  count: number;
  ns: number;
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
  /** Runs by their number of rows. */
  readonly batches: Map<number, DurationSum>;
}

const nsPerMs = 1e6;
const none = (): DurationSum => ({ count: 0, ns: 0 });

/** Statistics of all versions of all endpoints of a data plane. */
export class StatisticsBook {
  readonly #endpoints = new Map<string, Map<string, ModelStatistics>>();

  /** Null when the version was never asked. */
  of(endpoint: string, version: string): ModelStatistics | null {
    return this.#endpoints.get(endpoint)?.get(version) ?? null;
  }

  /**
   * Counts a request that was answered.
   *
   * @param startedMs when it was complete, on the monotonic clock
   */
  answered(
    endpoint: string,
    version: string,
    rowCount: number,
    startedMs: number,
    { prediction, from, queuedMs = 0, computedMs = 0, queuedAtMs = startedMs }: BatchPart,
  ): void {
    const statistics = this.#statistics(endpoint, version);
    const totalMs = performance.now() - startedMs;
    const inputMs = queuedAtMs - startedMs;
    statistics.lastInferenceMs = Date.now();
    statistics.inferenceCount += rowCount;
    add(statistics.success, totalMs);
    add(statistics.queue, queuedMs);
    add(statistics.computeInput, inputMs);
    add(statistics.computeInfer, computedMs);
    add(statistics.computeOutput, Math.max(0, totalMs - inputMs - queuedMs - computedMs));
    // Of the requests that one run computed, the first counts it.
    if (from > 0) return;
    statistics.executionCount++;
    let batch = statistics.batches.get(prediction.rowCount);
    if (!batch) {
      batch = none();
      statistics.batches.set(prediction.rowCount, batch);
    }
    add(batch, computedMs);
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
        batches: new Map(),
      };
      versions.set(version, statistics);
    }
    return statistics;
  }
}

function add(sum: DurationSum, ms: number): void {
  sum.count++;
  sum.ns += Math.round(ms * nsPerMs);
}
