import type { RowBlock } from '../../../platform/onnx/index.ts';
import type { EndpointOptions } from '../contract.ts';
import type { BatchPart } from './batcher.ts';
import { requestKey } from './request-key.ts';
import { concatenated } from './split-predictions.ts';

interface Entry {
  readonly part: BatchPart;
  readonly expiresMs: number;
}

/**
 * Remembers answers of a model by the digest of the model and the input. The entry that was used least lately goes
 * first when it is full. Two inputs have one entry only when all their cells are the same.
 */
export class ResponseCache {
  readonly #digest: string;
  readonly #maxEntries: number;
  readonly #maxAgeMs: number;
  readonly #entries = new Map<string, Entry>();

  constructor(digest: string, { maxEntries, maxAgeMs }: NonNullable<EndpointOptions['cache']>) {
    this.#digest = digest;
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
    const entry = this.#entries.get(key);
    if (!entry) return null;
    this.#entries.delete(key);
    if (entry.expiresMs <= nowMs) return null;
    this.#entries.set(key, entry);
    return entry.part;
  }

  /** Keeps a copy of the request's rows, not the batch that they were computed in. */
  set(key: string, part: BatchPart, rowCount: number, nowMs: number): void {
    const own = { prediction: concatenated([{ ...part, rowCount }]), from: 0 };
    this.#entries.delete(key);
    this.#entries.set(key, { part: own, expiresMs: nowMs + this.#maxAgeMs });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#maxEntries && oldest !== undefined) this.#entries.delete(oldest);
  }
}
