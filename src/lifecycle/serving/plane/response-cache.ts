import type { Prediction, RowBlock } from '../../../platform/onnx/index.ts';
import type { EndpointOptions } from '../contract.ts';
import type { BatchPart } from './batcher.ts';
import { requestKey } from './request-key.ts';
import { concatenated } from './split-predictions.ts';

interface Entry {
  readonly part: BatchPart;
  readonly expiresMs: number;
  readonly sizeBytes: number;
}

/** What all answers of a model may take: so many of images or embeddings as its entries allow would fill the memory. */
const mostBytes = 256 * 1024 ** 2;

/**
 * Remembers answers of a model by the digest of the model and the input. The entry that was used least lately goes
 * first when it is full. Two inputs have one entry only when all their cells are the same.
 */
export class ResponseCache {
  readonly #digest: string;
  readonly #maxEntries: number;
  readonly #maxAgeMs: number;
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(
    digest: string,
    { maxEntries, maxAgeMs }: NonNullable<EndpointOptions['cache']>,
    maxBytes: number = mostBytes,
  ) {
    this.#digest = digest;
    this.#maxBytes = maxBytes;
    this.#maxEntries = maxEntries;
    this.#maxAgeMs = maxAgeMs ?? Number.POSITIVE_INFINITY;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @param params of the request, as text */
  keyOf(block: RowBlock, params = ''): string {
    return requestKey(block, `${this.#digest}${params}`);
  }

  /** @param nowMs on the monotonic clock */
  get(key: string, nowMs: number): BatchPart | null {
    const entry = this.#taken(key);
    if (!entry || entry.expiresMs <= nowMs) return null;
    this.#put(key, entry);
    return entry.part;
  }

  /** Keeps a copy of the request's rows, not the batch that they were computed in. */
  set(key: string, part: BatchPart, rowCount: number, nowMs: number): void {
    const prediction = concatenated([{ ...part, rowCount }]);
    this.#taken(key);
    const sizeBytes = sizeOf(prediction);
    if (sizeBytes > this.#maxBytes) return;
    this.#put(key, { part: { prediction, from: 0 }, expiresMs: nowMs + this.#maxAgeMs, sizeBytes });
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= this.#maxEntries && this.#bytes <= this.#maxBytes) break;
      this.#taken(oldest);
    }
  }

  #put(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    this.#bytes += entry.sizeBytes;
  }

  #taken(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    this.#bytes -= entry?.sizeBytes ?? 0;
    return entry;
  }
}

/** About what an answer takes in memory. */
function sizeOf({ outputs, rowCount }: Prediction): number {
  let sum = 512 + 8 * rowCount;
  for (const { data } of outputs) {
    if (ArrayBuffer.isView(data)) sum += data.byteLength;
    else for (const value of Array.from(data)) sum += typeof value === 'string' ? 32 + 2 * value.length : 16;
  }
  return sum;
}
