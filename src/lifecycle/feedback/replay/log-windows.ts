import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { fail } from '../../../core/errors.ts';
import type { Digest } from '../../../core/json.ts';
import { formatTime } from '../../../core/time.ts';
import type { BlobStore } from '../../../platform/blobs/index.ts';
import type { Database, Tx } from '../../../platform/db/index.ts';
import type { Frames } from '../../../platform/frames/index.ts';
import type { LabelFiles } from '../labels/label-service.ts';
import type { StepWindow, WindowStore } from '../store/window-store.ts';
import { type LogWindow, writeWindow } from './write-window.ts';

/** A span of event time in the log of an endpoint: [fromMs, toMs). */
interface LoggedSpan {
  readonly endpoint: string;
  readonly fromMs: number;
  readonly toMs: number;
}

interface LogWindowsOptions {
  readonly db: Database;
  readonly frames: Frames;
  readonly blobs: BlobStore;
  readonly store: WindowStore;
  readonly files: (span: LoggedSpan) => Promise<Pick<LabelFiles, 'predictions' | 'labels'>>;
  /** Whether there is a file with rows of that time. */
  readonly isLogged: (span: LoggedSpan) => Promise<boolean>;
  readonly temporaryFile: () => string;
  /** How long who asks is kept waiting for a window that is being written. */
  readonly waitMs?: number;
}

/** What is done before a window is written, and behind it. */
interface AroundWriting {
  /** Resolves when control has what replicas have logged so far. */
  readonly sealed: () => Promise<void>;
  /** Throws where a window cannot be used. */
  readonly check: (window: LogWindow) => Promise<void>;
}

interface Writing {
  readonly done: Promise<StepWindow>;
  readonly stop: AbortController;
}

const defaultWaitMs = 10_000;

/**
 * The spans of the log that steps read, each written once, when its step begins: all attempts read the same rows,
 * whatever is logged or labelled meanwhile. A log is large, so one is written in the background and asked for again.
 */
export class LogWindows {
  readonly #options: LogWindowsOptions;
  readonly #writing = new Map<string, Writing>();

  constructor(options: LogWindowsOptions) {
    this.#options = options;
  }

  /**
   * Makes sure that something was logged in a span. Throws `replay_empty`, `invalid_input`.
   *
   * @param sealed resolves when control has what replicas have logged so far; asked where nothing is there yet
   */
  async requireLogged(span: LoggedSpan, sealed: () => Promise<void>): Promise<void> {
    const { endpoint, fromMs, toMs } = span;
    const { isLogged } = this.#options;
    if (fromMs >= toMs) throw fail('invalid_input', { field: 'from', problem: 'it is not before "to"' });
    if (await isLogged(span)) return;
    await sealed();
    const range = `${formatTime(fromMs)} to ${formatTime(toMs)}`;
    if (!(await isLogged(span))) throw fail('replay_empty', { endpoint, range });
  }

  /** Stores what was answered in a span as a Parquet blob, to be predicted again; see `writeWindow`. */
  async write(span: LoggedSpan, signal?: AbortSignal): Promise<LogWindow & { readonly digest: Digest }> {
    const { frames, blobs, files, temporaryFile } = this.#options;
    const { predictions, labels } = await files(span);
    const path = temporaryFile();
    try {
      const written = await writeWindow(frames, predictions, labels, span, path, signal);
      const { digest } = await blobs.put(createReadStream(path));
      return { digest, ...written };
    } finally {
      await rm(path, { force: true });
    }
  }

  /**
   * The window of a step; null while it is being written: ask again. What fails is told once, and tried anew when it is
   * asked for again. Throws `batch_rows_gone` for one that was erased: what was made of it so far is of other rows.
   */
  async of(stepId: string, span: LoggedSpan, around: AroundWriting): Promise<StepWindow | null> {
    const { store, blobs, waitMs = defaultWaitMs } = this.#options;
    const known = (await store.of([stepId])).get(stepId);
    if (known) {
      if (await blobs.info(known.digest)) return known;
      throw fail('batch_rows_gone', { what: 'step', id: stepId });
    }
    const writing = this.#writing.get(stepId) ?? this.#begin(stepId, span, around);
    const waited = new AbortController();
    try {
      const late = delay(waitMs, null, { signal: waited.signal, ref: false }).catch(() => null);
      const window = await Promise.race([writing.done, late]);
      if (window !== null) this.#writing.delete(stepId);
      return window;
    } catch (error) {
      this.#writing.delete(stepId);
      if (writing.stop.signal.aborted) return null;
      throw error;
    } finally {
      waited.abort();
    }
  }

  /** The windows of those of these steps that have one by now. */
  find(stepIds: readonly string[]): Promise<ReadonlyMap<string, StepWindow>> {
    return this.#options.store.of(stepIds);
  }

  /** Forgets the window of a step; its file is the caller's. */
  remove(tx: Tx, stepId: string): Promise<void> {
    return this.#options.store.remove(tx, stepId);
  }

  /** The files of all windows. */
  digests(): Promise<readonly Digest[]> {
    return this.#options.store.digests();
  }

  /** Ends what is being written, of one step or of all; who asks for it again has it begun anew. */
  async abandon(stepId?: string): Promise<void> {
    const ending = [...this.#writing].filter(([id]) => stepId === undefined || id === stepId);
    for (const [, { stop }] of ending) stop.abort();
    await Promise.allSettled(ending.map(([, { done }]) => done));
    for (const [id, writing] of ending) if (this.#writing.get(id) === writing) this.#writing.delete(id);
  }

  #begin(stepId: string, span: LoggedSpan, { sealed, check }: AroundWriting): Writing {
    const { db, store } = this.#options;
    const stop = new AbortController();
    const make = async (): Promise<StepWindow> => {
      await sealed();
      const { digest, ...window } = await this.write(span, stop.signal);
      await check(window);
      stop.signal.throwIfAborted();
      const stored = { digest, rows: window.rows };
      await db.write((tx) => store.put(tx, stepId, stored));
      return stored;
    };
    const done = make();
    // Whoever asks next hears of it.
    done.catch(() => undefined);
    const writing = { done, stop };
    this.#writing.set(stepId, writing);
    return writing;
  }
}
