import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { fail } from '../../../core/errors.ts';
import { digestOf } from '../../../core/json.ts';
import type { Logger } from '../../../platform/log/index.ts';
import type { SealedSegment } from '../../../platform/segments/index.ts';
import {
  type PredictionSegment,
  type ReplicaStatus,
  type StreamMessage,
  streamMessageSchema,
} from '../contract.ts';

export interface ControlClientOptions {
  readonly controlUrl: string;
  readonly replicaId: string;
  readonly logger: Logger;
  /** Sent with every request, e.g. an authorization header. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface StreamHandlers {
  readonly onConnected: () => void;
  readonly onMessage: (message: StreamMessage) => void;
}

const reconnectMs = { first: 100, longest: 5000 } as const;
/** Control pings every 5 s; a stream that is silent for longer than this is dead. */
const silenceMs = 16_000;

/** A replica's side of the talk with control; everything in it may fail and is tried again by its users. */
export class ControlClient {
  readonly #options: ControlClientOptions;
  readonly #stop = new AbortController();

  constructor(options: ControlClientOptions) {
    this.#options = options;
  }

  /** Keeps control's stream open until `close`, connecting again with back-off and jitter. */
  async follow(handlers: StreamHandlers): Promise<void> {
    let waitMs: number = reconnectMs.first;
    let reachable = true;
    while (!this.#stop.signal.aborted) {
      try {
        await this.#readStream(handlers, () => {
          if (!reachable) this.#options.logger.info({ url: this.#options.controlUrl }, 'control is back');
          reachable = true;
          waitMs = reconnectMs.first;
        });
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (reachable)
          this.#options.logger.warn({ err: error }, 'control is away: serving with the last known routes');
        reachable = false;
      }
      await this.#pause(waitMs * (0.5 + Math.random()));
      waitMs = Math.min(reconnectMs.longest, waitMs * 2);
    }
  }

  async postStatus(status: ReplicaStatus): Promise<void> {
    await this.#request('POST', `${this.#replicaPath()}/status`, JSON.stringify(status), 'application/json');
  }

  /** The bytes of a blob as control sends them; whoever keeps them checks the digest. */
  async blob(digest: string): Promise<Readable> {
    const response = await this.#request('GET', `/api/v1/blobs/${digest}`);
    if (!response.body) throw fail('blob_missing', { digest });
    return Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
  }

  /** Uploads a sealed segment and registers it; doing so again changes nothing. */
  async shipSegment(segment: SealedSegment): Promise<void> {
    const bytes = await readFile(segment.path);
    const digest = digestOf(bytes);
    await this.#request('PUT', `/api/v1/blobs/${digest}`, bytes, 'application/octet-stream');
    const body: PredictionSegment = {
      id: segment.id,
      replicaId: this.#options.replicaId,
      endpoint: segment.stream,
      digest,
      rows: segment.rows,
      minEventTimeMs: segment.minTimeMs,
      maxEventTimeMs: segment.maxTimeMs,
    };
    await this.#request('POST', '/api/v1/prediction-segments', JSON.stringify(body), 'application/json');
  }

  close(): void {
    this.#stop.abort();
  }

  #replicaPath(): string {
    return `/api/v1/replicas/${encodeURIComponent(this.#options.replicaId)}`;
  }

  async #readStream(handlers: StreamHandlers, onOpen: () => void): Promise<void> {
    const silent = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, silent.signal]);
    const timer = setTimeout(() => silent.abort(new Error('control is silent')), silenceMs);
    try {
      const response = await this.#request(
        'GET',
        `${this.#replicaPath()}/stream`,
        undefined,
        undefined,
        signal,
      );
      onOpen();
      handlers.onConnected();
      let text = '';
      const decoder = new TextDecoder();
      for await (const chunk of response.body ?? []) {
        timer.refresh();
        text += decoder.decode(chunk, { stream: true });
        const lines = text.split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) if (line) handlers.onMessage(streamMessageSchema.parse(JSON.parse(line)));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #request(
    method: string,
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    contentType?: string,
    signal: AbortSignal = this.#stop.signal,
  ): Promise<Response> {
    const { controlUrl, headers } = this.#options;
    let response: Response;
    try {
      response = await fetch(new URL(path, controlUrl), {
        method,
        body: body ?? null,
        headers: { ...headers, ...(contentType ? { 'content-type': contentType } : {}) },
        signal,
      });
    } catch (error) {
      const cause = (error as Error).cause;
      const problem = cause instanceof Error ? cause.message : (error as Error).message;
      throw fail('control_unreachable', { url: controlUrl, problem }, error);
    }
    if (!response.ok) {
      const problem = `${method} ${path}: ${response.status} ${(await response.text()).slice(0, 300)}`;
      throw fail('control_unreachable', { url: controlUrl, problem });
    }
    return response;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#stop.signal.addEventListener('abort', () => resolve(clearTimeout(timer)), { once: true });
    });
  }
}
