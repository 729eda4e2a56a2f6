import { createReadStream } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { BlobStore } from '../../platform/blobs/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import { type SealedSegment, type SegmentFrames, SegmentLog } from '../../platform/segments/index.ts';
import type { ArrivedLabel } from './arrivals.ts';
import type { LabelSegment, LabelValue } from './contract.ts';

/** A label as it goes into the log. */
export interface LabelEntry {
  readonly predictionId: string;
  readonly value: LabelValue;
  readonly eventTimeMs: number;
  readonly receivedAtMs: number;
  /** What a signal is called; absent for a label. */
  readonly signal?: string | null;
  /** Where it came from; see ReceivedLabel. */
  readonly source?: string;
  readonly note?: string | null;
  /** Whether it was received some time ago, and its prediction has been found now. Such come in order of receipt. */
  readonly waited?: boolean;
}

interface LabelLogOptions {
  /** Holds one directory per endpoint; names that begin with a dot are not its business. */
  readonly directory: string;
  readonly blobs: BlobStore;
  readonly frames: SegmentFrames;
  readonly log: Logger;
  /** How long a reader waits for labels that are being sealed. */
  readonly readWaitMs: number;
  /** Is told of labels that are on the disk by now. */
  readonly appended: (endpoint: string, labels: readonly ArrivedLabel[]) => void;
  /** Records a sealed segment whose blob is stored; may be called twice for the same one. */
  readonly register: (segment: LabelSegment) => Promise<void>;
}

const columns = [
  { name: 'prediction_id', type: 'VARCHAR' },
  { name: 'value_number', type: 'DOUBLE' },
  { name: 'value_json', type: 'VARCHAR' },
  { name: 'event_time_ms', type: 'BIGINT' },
  { name: 'received_at_ms', type: 'BIGINT' },
  { name: 'seq', type: 'BIGINT' },
  { name: 'signal', type: 'VARCHAR' },
  { name: 'source', type: 'VARCHAR' },
  { name: 'note', type: 'VARCHAR' },
] as const;

/** The durable log of labels (or signals): one append-only segment log per endpoint, sealed to Parquet blobs. */
export class LabelLog {
  readonly #options: LabelLogOptions;
  readonly #logs = new Map<string, Promise<SegmentLog>>();
  /** Endpoints with labels that were appended since their last seal. */
  readonly #unsealed = new Set<string>();
  /** The newest seal of each endpoint: who reads while it is under way waits for it too. */
  readonly #sealing = new Map<string, Promise<void>>();
  #lastSeq = 0;

  private constructor(options: LabelLogOptions) {
    this.#options = options;
  }

  /** Opens the log and ships what an earlier process left unsealed. */
  static async open(options: LabelLogOptions): Promise<LabelLog> {
    await mkdir(options.directory, { recursive: true });
    const log = new LabelLog(options);
    for (const endpoint of await readdir(options.directory))
      if (!endpoint.startsWith('.')) await log.#log(endpoint);
    return log;
  }

  /** Resolves when all these labels are on the disk. Throws `disk_full` when they are not. */
  async append(endpoint: string, labels: readonly LabelEntry[]): Promise<void> {
    const log = await this.#log(endpoint);
    let seq = 0;
    const rows = labels.map((label) => {
      seq = this.#seqOf(label, seq);
      return rowOf(label, seq);
    });
    await log.append(rows.map((row) => `${JSON.stringify(row)}\n`).join(''), rows.length);
    this.#unsealed.add(endpoint);
    this.#options.appended(
      endpoint,
      rows.map((row) => ({
        predictionId: row.prediction_id,
        value: row.value_number,
        eventTimeMs: row.event_time_ms,
        seq: row.seq,
      })),
    );
  }

  /** Makes every label appended so far readable: seals the endpoint's open segment and waits for its blob. */
  async flush(endpoint: string): Promise<void> {
    await this.#flush(endpoint, Number.POSITIVE_INFINITY);
  }

  /** The same, and gives up after `readWaitMs` (the blob store may be full); what is readable then is less. */
  async flushForReader(endpoint: string): Promise<void> {
    await this.#flush(endpoint, this.#options.readWaitMs);
  }

  async #flush(endpoint: string, waitMs: number): Promise<void> {
    const log = await this.#logs.get(endpoint);
    if (!log) return;
    if (this.#unsealed.delete(endpoint)) this.#sealing.set(endpoint, this.#seal(endpoint, log));
    await this.#sealing.get(endpoint);
    if (waitMs === Number.POSITIVE_INFINITY) return log.drained();
    await Promise.race([log.drained(), setTimeout(waitMs, undefined, { ref: false })]);
  }

  async #seal(endpoint: string, log: SegmentLog): Promise<void> {
    try {
      await log.seal();
    } catch (error) {
      this.#unsealed.add(endpoint);
      throw error;
    }
  }

  async close(): Promise<void> {
    for (const log of this.#logs.values()) await (await log).close();
  }

  /** Order of receipt, also across restarts (as long as the clock does not go back over one). */
  #seqOf({ receivedAtMs, waited }: LabelEntry, before: number): number {
    const atReceipt = receivedAtMs * 1000;
    // What was received after it, and logged before it, stays after it.
    if (waited) return Math.max(before + 1, atReceipt);
    this.#lastSeq = Math.max(this.#lastSeq + 1, atReceipt);
    return this.#lastSeq;
  }

  #log(endpoint: string): Promise<SegmentLog> {
    const known = this.#logs.get(endpoint);
    if (known) return known;
    const { directory, frames, log } = this.#options;
    const opened = SegmentLog.open({
      directory: join(directory, endpoint),
      stream: endpoint,
      columns,
      keyColumn: 'prediction_id',
      timeColumn: 'event_time_ms',
      maxRows: 100_000,
      maxSizeBytes: 32 * 1024 * 1024,
      maxAgeMs: 60_000,
      frames,
      logger: log,
      ship: (segment) => this.#ship(endpoint, segment),
    });
    this.#logs.set(endpoint, opened);
    opened.catch(() => this.#logs.delete(endpoint));
    return opened;
  }

  async #ship(endpoint: string, segment: SealedSegment): Promise<void> {
    const { digest } = await this.#options.blobs.put(createReadStream(segment.path));
    await this.#options.register({
      id: segment.id,
      endpoint,
      digest,
      rows: segment.rows,
      minEventTimeMs: segment.minTimeMs,
      maxEventTimeMs: segment.maxTimeMs,
    });
  }
}

function rowOf(label: LabelEntry, seq: number) {
  return {
    prediction_id: label.predictionId,
    value_number: numberOf(label.value),
    value_json: JSON.stringify(label.value),
    event_time_ms: label.eventTimeMs,
    received_at_ms: label.receivedAtMs,
    seq,
    source: label.source ?? 'api',
    ...(label.signal ? { signal: label.signal } : {}),
    ...(label.note ? { note: label.note } : {}),
  };
}

function numberOf(value: LabelValue): number | null {
  return typeof value === 'string' ? null : Number(value);
}
