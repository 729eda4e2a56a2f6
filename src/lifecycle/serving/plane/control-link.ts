import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Digest, digestOf } from '../../../core/json.ts';
import { ControlClient, ControlError } from '../../../platform/client/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import type { SealedSegment } from '../../../platform/segments/index.ts';
import {
  type PredictionSegment,
  type ReplicaStatus,
  type StreamMessage,
  streamMessageSchema,
} from '../contract.ts';
import { Patience, type SilenceMs, tellingStream } from './patience.ts';

interface ControlLinkOptions {
  readonly controlUrl: string;
  readonly replicaId: string;
  readonly logger: Logger;
  /** How long control may be silent before what is sent is given up and sent again; as for all replicas unless given. */
  readonly uploadSilenceMs?: SilenceMs;
}

interface StreamHandlers {
  readonly onConnected: () => void;
  readonly onMessage: (message: StreamMessage) => void;
}

const reconnectMs = { first: 100, longest: 2000 } as const;
/** Shorter absences, as when both are started at once, are no news. */
const worthTellingMs = 3000;
/** Control pings every 5 s; a stream that is silent for longer than this is dead. */
const silenceMs = 16_000;
/** What is sent may lie for half a minute, and longer if it was given up before. */
const uploadSilenceMs: SilenceMs = { first: 30_000, longest: 300_000 };

/** A replica's side of the talk with control; everything in it may fail and is tried again by its users. */
export class ControlLink {
  readonly #options: ControlLinkOptions;
  readonly #client: ControlClient;
  readonly #patience: Patience;
  readonly #stop = new AbortController();
  /** Tells this process from others of its name. */
  readonly #instance = randomUUID();
  #isRefused = false;
  #isConnected = false;

  constructor(options: ControlLinkOptions) {
    this.#options = options;
    this.#client = new ControlClient(options.controlUrl);
    this.#patience = new Patience(options.controlUrl, options.uploadSilenceMs ?? uploadSilenceMs);
  }

  /** Whether control's stream is open. */
  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** Keeps control's stream open until `close`, connecting again with back-off and jitter. */
  async follow(handlers: StreamHandlers): Promise<void> {
    const { logger, controlUrl } = this.#options;
    let waitMs: number = reconnectMs.first;
    let awaySinceMs = performance.now();
    let told = false;
    while (!this.#stop.signal.aborted) {
      let connected = false;
      try {
        await this.#readStream(handlers, () => {
          connected = true;
          if (told) logger.info({ url: controlUrl }, 'control is back');
          this.#isRefused = false;
          told = false;
          waitMs = reconnectMs.first;
        });
        awaySinceMs = performance.now();
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        if (error instanceof ControlError && error.code === 'replica_name_taken') {
          if (!this.#isRefused) logger.error({ replica: this.#options.replicaId }, refusal(error));
          this.#isRefused = true;
        } else if (connected) awaySinceMs = performance.now();
        if (!this.#isRefused && !told && performance.now() - awaySinceMs > worthTellingMs) {
          logger.warn({ err: error }, 'control is away: serving with the last known routes');
          told = true;
        }
      }
      const { signal } = this.#stop;
      await sleep(waitMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
      waitMs = Math.min(reconnectMs.longest, waitMs * 2);
    }
  }

  async postStatus(status: ReplicaStatus): Promise<void> {
    const body = { ...status, instance: this.#instance };
    await this.#patience.wait('status', this.#stop.signal, (signal) =>
      this.#post(`${this.#replicaPath()}/status`, body, signal),
    );
  }

  /** The bytes of a package's part as control sends them; whoever keeps them checks the digest. */
  part(digest: Digest): Promise<Readable> {
    return this.#client.part(digest, this.#stop.signal);
  }

  /** Uploads a sealed segment and registers it; doing so again changes nothing. */
  async shipSegment(segment: SealedSegment): Promise<void> {
    const content = await readFile(segment.path);
    const digest = digestOf(content);
    const body: PredictionSegment = {
      id: segment.id,
      replicaId: this.#options.replicaId,
      endpoint: segment.stream,
      digest,
      rows: segment.rows,
      minEventTimeMs: segment.minTimeMs,
      maxEventTimeMs: segment.maxTimeMs,
    };
    await this.#patience.wait(
      `segments of ${segment.stream}`,
      this.#stop.signal,
      async (signal, progress) => {
        await this.#client.putBlobStream(digest, tellingStream(content, progress), signal);
        progress();
        await this.#post('/api/v1/prediction-segments', body, signal);
      },
    );
  }

  /** Tells of rows that were just written; they come again in their segment. */
  async sendRows(endpoint: string, lines: string): Promise<void> {
    const { replicaId } = this.#options;
    await this.#patience.wait(`rows of ${endpoint}`, this.#stop.signal, (signal) =>
      this.#post('/api/v1/open-rows', { endpoint, replicaId, lines }, signal),
    );
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
      const response = await this.#client.fetch(`${this.#replicaPath()}/stream?instance=${this.#instance}`, {
        signal,
      });
      this.#isConnected = true;
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
      this.#isConnected = false;
      clearTimeout(timer);
    }
  }

  async #post(path: string, body: unknown, signal: AbortSignal): Promise<void> {
    await this.#client.fetch(path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
      signal,
    });
  }
}

function refusal({ message, next }: ControlError): string {
  return `refused by control: ${message}. ${next}`;
}
