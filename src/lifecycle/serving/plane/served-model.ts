import { isDeepStrictEqual } from 'node:util';
import { fail } from '../../../core/errors.ts';
import { jsonOfBigInts } from '../../../core/exact-json.ts';
import type { PackageManifest } from '../../../core/model-package.ts';
import { cellDimensions, type RowBlock } from '../../../platform/onnx/index.ts';
import type { ScoredPiece } from '../../../platform/runtimes/index.ts';
import type { SegmentColumn } from '../../../platform/segments/index.ts';
import type { EndpointOptions } from '../contract.ts';
import { Batcher, type BatchPart, type ModelParams } from './batcher.ts';
import type { LoadedPackage } from './loaded-package.ts';
import type { PredictRequest } from './request.ts';
import { ResponseCache } from './response-cache.ts';
import type { RowCheck } from './row-check.ts';

/** What of an endpoint's options says how its models compute. */
type ComputeOptions = Pick<EndpointOptions, 'batching' | 'cache' | 'timeoutMs'>;

type Asked = Pick<PredictRequest, 'startedMs' | 'timeoutMs' | 'params' | 'trace' | 'hasLeft'>;

/** A loaded package in the service of an endpoint: it batches, caches and keeps deadlines as the endpoint says. */
export class ServedModel {
  readonly package: LoadedPackage;
  readonly #options: ComputeOptions;
  readonly #batcher: Batcher;
  readonly #cache: ResponseCache | null;
  /** Inputs whose cells differ in their dimensions from request to request. */
  readonly #freeInputs: readonly number[];
  readonly #endpoint: string;
  #streaming = 0;

  constructor(loaded: LoadedPackage, endpoint: string, options: ComputeOptions) {
    const { digest, manifest } = loaded;
    const { maxRows, maxDelayUs, maxWaitingRows } = options.batching;
    this.package = loaded;
    this.#endpoint = endpoint;
    this.#options = options;
    this.#batcher = new Batcher((blocks, call) => loaded.run(blocks, call), {
      endpoint,
      model: manifest.model,
      version: digest.slice(0, 15),
      maxRows: manifest.tensors === 'whole' ? 1 : (maxRows ?? loaded.maxRows),
      maxDelayMs: maxDelayUs / 1000,
      maxWaitingRows,
      concurrency: loaded.concurrency,
      longestWaitMs: loaded.longestWaitMs,
    });
    this.#cache = options.cache && new ResponseCache(digest, options.cache);
    this.#freeInputs = manifest.signature.inputs.flatMap(({ shape }, i) =>
      shape.some((d) => d < 0) ? [i] : [],
    );
  }

  get manifest(): PackageManifest {
    return this.package.manifest;
  }

  get check(): RowCheck {
    return this.package.check;
  }

  get inputNames(): ReadonlySet<string> {
    return this.package.inputNames;
  }

  get featureColumns(): readonly SegmentColumn[] {
    return this.package.featureColumns;
  }

  /** Requests that wait for the model. */
  get waiting(): number {
    return this.#batcher.waiting;
  }

  get idle(): boolean {
    return this.#batcher.idle && this.#streaming === 0;
  }

  /** Would another with these options behave as this one does? */
  serves(loaded: LoadedPackage, { batching, cache, timeoutMs }: ComputeOptions): boolean {
    const { batching: b, cache: c, timeoutMs: t } = this.#options;
    return this.package === loaded && isDeepStrictEqual([batching, cache, timeoutMs], [b, c, t]);
  }

  /** Predicts the rows of a request, within its deadline and the endpoint's. Errors: those of the Batcher. */
  predict(block: RowBlock, asked: Asked): Promise<BatchPart> {
    return this.#cache ? this.#remembered(this.#cache, block, asked) : this.#compute(block, asked);
  }

  /** Does it give answers in pieces? */
  get streams(): boolean {
    return this.package.streams;
  }

  /**
   * Gives the answer to one row in pieces until the signal is aborted. Throws `queue_full` when as many answers are
   * under way or waiting as rows may wait.
   */
  async *stream(row: readonly unknown[], asked: Asked, signal: AbortSignal): AsyncGenerator<ScoredPiece> {
    const { maxWaitingRows } = this.#options.batching;
    const { params = null, trace = null } = asked;
    if (this.#streaming >= maxWaitingRows)
      throw fail('queue_full', { waiting: this.#streaming, endpoint: this.#endpoint });
    this.#streaming++;
    try {
      yield* this.package.stream(row, { params, trace }, signal);
    } finally {
      this.#streaming--;
    }
  }

  /** How long after its start a request may take, in milliseconds; infinite where nobody says. */
  limitMs({ timeoutMs = null }: Pick<PredictRequest, 'timeoutMs'>): number {
    return Math.min(
      timeoutMs ?? Number.POSITIVE_INFINITY,
      this.#options.timeoutMs ?? Number.POSITIVE_INFINITY,
    );
  }

  async #remembered(cache: ResponseCache, block: RowBlock, asked: Asked): Promise<BatchPart> {
    const startedMs = performance.now();
    const params = asked.params ? jsonOfBigInts(asked.params) : '';
    const key = cache.keyOf(block, params);
    const known = cache.get(key, startedMs);
    if (known) return { ...known, cache: { hit: true, ms: performance.now() - startedMs } };
    const part = await this.#compute(block, asked);
    const computedMs = performance.now();
    cache.set(key, part, block.rowCount, computedMs);
    return { ...part, cache: { hit: false, ms: computedMs - startedMs } };
  }

  /** A user keeps the model open until the matching `release`. */
  acquire(): this {
    this.package.acquire();
    return this;
  }

  release(): void {
    this.package.release();
  }

  #compute(block: RowBlock, asked: Asked): Promise<BatchPart> {
    const { startedMs, params = null, trace, hasLeft } = asked;
    const limitMs = this.limitMs(asked);
    return this.#batcher.predict({
      block,
      params,
      trace,
      key: this.#keyOf(block, params),
      deadlineMs: startedMs + limitMs,
      timeoutMs: limitMs,
      hasLeft,
    });
  }

  /** Only requests with the same dimensions and params can share a run. */
  #keyOf(block: RowBlock, params: ModelParams): string {
    if (this.#freeInputs.length === 0 && params === null) return '';
    const row = block.row(0);
    const dimensions = this.#freeInputs.map((input) => cellDimensions(row[input]));
    return jsonOfBigInts([dimensions, params]);
  }
}
