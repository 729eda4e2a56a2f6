import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../../../core/error-message.ts';
import { fail } from '../../../core/errors.ts';
import type { Logger } from '../../../platform/log/index.ts';
import { keyFromFile } from '../../../platform/secrets/index.ts';
import {
  DiskBudget,
  type Durability,
  RecordConverter,
  type RowBytes,
  type SealedSegment,
  type SegmentFrames,
  SegmentLog,
  SegmentTail,
} from '../../../platform/segments/index.ts';
import { type DamagedSegment, predictionLogColumns } from '../contract.ts';
import type { EndpointState } from './endpoint-state.ts';
import { hashKeyPrint, LogPolicy } from './log-policy.ts';
import { type LoggedRow, logPlace, writeRow } from './log-row.ts';

export interface PredictionLogsOptions {
  readonly directory: string;
  readonly frames: SegmentFrames;
  readonly ship: (segment: SealedSegment) => Promise<void>;
  /** Takes rows of a followed endpoint soon after they were written; see `SegmentTail`. */
  readonly sendRows?: (endpoint: string, lines: string) => Promise<void>;
  readonly logger: Logger;
  readonly limits: { readonly maxRows: number; readonly maxSizeBytes: number; readonly maxAgeMs: number };
  /**
   * The key that fields are hashed with where an endpoint wants it; asked for only then. One in a file beside the
   * directory unless given: such hashes are equal in this replica alone.
   */
  readonly hashKey?: () => string;
  /** When a row counts as written; see SegmentLogOptions. */
  readonly durability?: Durability;
  /** What all logs together may take on the disk; unbounded unless given. */
  readonly maxDiskBytes?: number;
}

/** An endpoint's log, with the policy of the state that last wrote to it. */
interface OpenLog {
  readonly log: SegmentLog;
  state: EndpointState | null;
  policy: LogPolicy | null;
}

/** Bytes; rows beyond this are logged without features and outputs: one must not fill its segment. */
const longestRow = 4 * 1024 * 1024;

/** How often rows of a followed endpoint are sent. */
const followEveryMs = 200;

/** The prediction logs of a replica, one per endpoint. */
export class PredictionLogs {
  readonly #options: PredictionLogsOptions;
  readonly #logs = new Map<string, OpenLog>();
  readonly #tails = new Map<string, SegmentTail>();
  readonly #budget: DiskBudget | undefined;
  readonly #converter = new RecordConverter();
  readonly #hashKey: () => string;

  private constructor(options: PredictionLogsOptions) {
    this.#options = options;
    this.#hashKey = options.hashKey ?? (() => keyFromFile(`${options.directory}-hash.key`));
    this.#budget = options.maxDiskBytes === undefined ? undefined : new DiskBudget(options.maxDiskBytes);
  }

  /** Opens what is on the disk, so that segments of an earlier process are shipped even without their endpoint. */
  static async open(options: PredictionLogsOptions): Promise<PredictionLogs> {
    await mkdir(options.directory, { recursive: true });
    const logs = new PredictionLogs(options);
    for (const found of await readdir(options.directory, { withFileTypes: true }))
      if (found.isDirectory()) await logs.ensure(found.name);
    return logs;
  }

  /** Makes sure that an endpoint has a log. */
  async ensure(endpoint: string): Promise<void> {
    if (this.#logs.has(endpoint)) return;
    const log = await SegmentLog.open({
      directory: join(this.#options.directory, endpoint),
      stream: endpoint,
      records: this.#converter,
      columns: predictionLogColumns,
      keyColumn: 'prediction_id',
      timeColumn: 'event_time_ms',
      frames: this.#options.frames,
      ship: this.#options.ship,
      logger: this.#options.logger,
      ...this.#options.limits,
      ...(this.#options.durability ? { durability: this.#options.durability } : {}),
      ...(this.#budget ? { budget: this.#budget } : {}),
      refusal: (error) => fail('prediction_log_unavailable', { problem: error.message }, error),
    });
    this.#logs.set(endpoint, { log, state: null, policy: null });
  }

  /** Resolves when the rows are on the disk; rejects with `prediction_log_unavailable` when they cannot be. */
  append(state: EndpointState, rows: readonly LoggedRow[]): Promise<void> {
    const { route } = state;
    const open = this.#logs.get(route.endpoint);
    if (!open) {
      const problem = `endpoint "${route.endpoint}" has no log`;
      return Promise.reject(fail('prediction_log_unavailable', { problem }));
    }
    if (open.state !== state) {
      try {
        open.policy = LogPolicy.of(state, this.#hashKey);
      } catch (error) {
        const problem = `the key that fields are hashed with cannot be had: ${errorMessage(error)}`;
        return Promise.reject(fail('prediction_log_unavailable', { problem }, error));
      }
      open.state = state;
    }
    const { log, policy } = open;
    const write = (to: RowBytes) => {
      for (const given of rows) {
        const row = policy ? policy.apply(given) : given;
        const place = row.arm?.logPlace ?? logPlace(route, 'champion', '');
        const before = to.length;
        writeRow(to, place, row);
        if (to.length - before <= longestRow) continue;
        to.cut(before);
        writeRow(to, place, { ...row, cells: null, outputs: null, flags: null });
      }
    };
    return log.append(write, rows.length, policy?.columns ?? state.logColumns);
  }

  /**
   * Which key fields are hashed with, see `hashKeyPrint`; made here if it was never asked for. Null when it cannot be
   * read or made: rows are refused then, which says why.
   */
  get hashKeyPrint(): string | null {
    try {
      return hashKeyPrint(this.#hashKey());
    } catch {
      return null;
    }
  }

  /** Segments that control does not have yet. */
  get waiting(): number {
    let sum = 0;
    for (const { log } of this.#logs.values()) sum += log.waiting;
    return sum;
  }

  /** Segments that were set aside because the disk gave back other bytes than it was given. */
  get damaged(): number {
    let sum = 0;
    for (const { log } of this.#logs.values()) sum += log.damaged;
    return sum;
  }

  /** What is set aside now, by endpoint. */
  async findDamaged(): Promise<readonly DamagedSegment[]> {
    const found: DamagedSegment[] = [];
    for (const [endpoint, { log }] of this.#logs)
      for (const segment of await log.findDamaged()) found.push({ endpoint, ...segment });
    return found;
  }

  /** Seals every log and resolves when control has everything appended before this call. */
  async sealAndShip(): Promise<void> {
    const logs = [...this.#logs.values()].map(({ log }) => log);
    await Promise.all(logs.map((log) => log.seal()));
    for (const log of logs) log.retryNow();
    await Promise.all(logs.map((log) => log.drained()));
  }

  /** Sends rows of these endpoints as they are written, and those of no others. */
  follow(endpoints: readonly string[]): void {
    const { sendRows } = this.#options;
    for (const [endpoint, tail] of this.#tails) {
      if (endpoints.includes(endpoint)) continue;
      void tail.close();
      this.#tails.delete(endpoint);
    }
    for (const endpoint of endpoints) {
      const log = this.#logs.get(endpoint)?.log;
      if (!log || !sendRows || this.#tails.has(endpoint)) continue;
      const send = (lines: string) => sendRows(endpoint, lines);
      this.#tails.set(
        endpoint,
        new SegmentTail({ log, converter: this.#converter, everyMs: followEveryMs, send }),
      );
    }
  }

  /**
   * Control is back: ship at once. It may be another process, that knows no row which was sent before: rows of followed
   * endpoints are sent from the begin of their segment, once it is told again which these are.
   */
  controlIsBack(): void {
    this.follow([]);
    for (const { log } of this.#logs.values()) log.retryNow();
  }

  async close(): Promise<void> {
    this.follow([]);
    await Promise.all([...this.#logs.values()].map(({ log }) => log.close()));
    await this.#converter.close();
  }
}
