import { Readable } from 'node:stream';
import { fail } from '../../../core/errors.ts';

/** What a body is cut into: what of it left this process tells whether the other side takes it. */
const chunkBytes = 64 * 1024;

/** First and longest silence, in milliseconds, that is waited for. */
export interface SilenceMs {
  readonly first: number;
  readonly longest: number;
}

/**
 * How long control may be silent before a request to it is given up: a connection can swallow what is sent (a firewall
 * that forgot it, a host that is gone) and nothing tells. Silence means that control took no byte and answered nothing.
 * Each time that a request of one name is given up it may be silent for twice as long, so that one that control is only
 * slow with gets through; once one of them is answered the next ones get the first span again.
 */
export class Patience {
  readonly #url: string;
  readonly #silenceMs: SilenceMs;
  /** Spans of those whose last request was given up. */
  readonly #spans = new Map<string, number>();

  constructor(url: string, silenceMs: SilenceMs) {
    this.#url = url;
    this.#silenceMs = silenceMs;
  }

  /**
   * Does `request`, which passes the signal on and calls `progress` as its body is taken.
   * Errors: `control_unreachable` after too long a silence; what `request` throws otherwise.
   */
  async wait<T>(
    name: string,
    stop: AbortSignal,
    request: (signal: AbortSignal, progress: () => void) => Promise<T>,
  ): Promise<T> {
    const spanMs = this.#spans.get(name) ?? this.#silenceMs.first;
    const silent = new AbortController();
    const timer = setTimeout(() => {
      this.#spans.set(name, Math.min(this.#silenceMs.longest, spanMs * 2));
      const problem = `it took nothing and answered nothing for ${spanMs / 1000} s`;
      silent.abort(fail('control_unreachable', { url: this.#url, problem }));
    }, spanMs);
    try {
      const answer = await request(AbortSignal.any([stop, silent.signal]), () => timer.refresh());
      this.#spans.delete(name);
      return answer;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The bytes as a stream that calls `taken` for each part that the reader takes. */
export function tellingStream(content: Uint8Array, taken: () => void): Readable {
  let offset = 0;
  return new Readable({
    highWaterMark: chunkBytes,
    read(): void {
      taken();
      const end = offset + chunkBytes;
      this.push(offset < content.byteLength ? content.subarray(offset, end) : null);
      offset = end;
    },
  });
}
