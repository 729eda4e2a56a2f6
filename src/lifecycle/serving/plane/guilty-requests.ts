import type { MillraceError } from '../../../core/errors.ts';
import { jsonOfBigInts } from '../../../core/exact-json.ts';
import type { RowBlock } from '../../../platform/onnx/index.ts';
import { requestKey } from './request-key.ts';

const mostEntries = 100;
const keptMs = 60_000;

type Params = Readonly<Record<string, unknown>> | null;

/**
 * Requests that ended a worker of their model, or took too long. Callers and proxies send again what failed: each of
 * them would end another worker, or hold up those that are computed with it.
 */
export class GuiltyRequests {
  readonly #entries = new Map<string, { readonly error: MillraceError; readonly untilMs: number }>();

  remember(block: RowBlock, params: Params, error: MillraceError): void {
    const key = keyOf(block, params);
    this.#entries.delete(key);
    this.#entries.set(key, { error, untilMs: performance.now() + keptMs });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > mostEntries && oldest !== undefined) this.#entries.delete(oldest);
  }

  /** What the same request failed with less than a minute ago; null for every other. */
  errorOf(block: RowBlock, params: Params): MillraceError | null {
    if (this.#entries.size === 0) return null;
    const nowMs = performance.now();
    for (const [key, { untilMs }] of this.#entries) {
      if (untilMs > nowMs) break;
      this.#entries.delete(key);
    }
    return this.#entries.size > 0 ? (this.#entries.get(keyOf(block, params))?.error ?? null) : null;
  }
}

function keyOf(block: RowBlock, params: Params): string {
  return requestKey(block, params ? jsonOfBigInts(params) : '');
}
