import { join } from 'node:path';
import { uuidv7 } from '../../../core/ids.ts';
import type { Clock } from '../../../core/time.ts';
import type { Frames } from '../../../platform/frames/index.ts';
import { type NarrowFiles, type NarrowSelection, NarrowTable, typesOf } from './narrow-table.ts';

interface NarrowLogOptions {
  readonly frames: Frames;
  readonly clock: Clock;
  /** Where the tables lie. What an earlier process left there is of no use. */
  readonly directory: string;
  /** The files that an endpoint has now, every acknowledged label included. */
  readonly files: (endpoint: string) => Promise<NarrowFiles>;
  /** A table that nobody reads for so long goes; whoever comes later waits until it was made again. */
  readonly idleMs?: number;
}

/** How far the log of an endpoint has been read for those who wait. */
interface NarrowReading {
  readonly rowsRead: number;
  /** Predictions and labels that were not read before. */
  readonly rowsTotal: number;
  readonly startedMs: number;
}

interface Kept {
  readonly endpoint: string;
  reading: NarrowReading | null;
  table: NarrowTable | undefined;
  /** Ends after everybody who reads it now or waits for that. */
  last: Promise<unknown>;
  idle: NodeJS.Timeout | undefined;
}

const defaultIdleMs = 600_000;

/**
 * Endpoints' logs as narrow tables (`NarrowTable`), for readers that come again and again: who comes back waits for what
 * is new to be read, not for the whole log. Nothing in it is a truth of its own: it is made anew after a start, when
 * files that were read are gone (compaction, retention, an erasure), and when anything went wrong.
 */
export class NarrowLog {
  readonly #options: NarrowLogOptions;
  readonly #kept = new Map<string, Kept>();

  constructor(options: NarrowLogOptions) {
    this.#options = options;
  }

  /**
   * Reads an endpoint's log as it is now: nothing is added to it until `work` is over. See `NarrowTable.relation`.
   *
   * @param work gets null when nothing was logged yet
   */
  async read<T>(
    endpoint: string,
    selection: NarrowSelection,
    work: (relation: string | null) => Promise<T>,
  ): Promise<T> {
    const key = JSON.stringify([endpoint, selection]);
    const kept = this.#kept.get(key) ?? {
      endpoint,
      reading: null,
      table: undefined,
      last: Promise.resolve(),
      idle: undefined,
    };
    this.#kept.set(key, kept);
    const done = kept.last.then(async () => {
      clearTimeout(kept.idle);
      try {
        return await work(await this.#bringUpToDate(kept, selection));
      } catch (error) {
        await this.#drop(kept);
        throw error;
      }
    });
    kept.last = done.then(
      () => this.#rest(key, kept),
      () => this.#rest(key, kept),
    );
    return done;
  }

  /** Takes away everything that is kept, because some of it was erased. Resolves when it is gone. */
  async forget(): Promise<void> {
    await Promise.all([...this.#kept.values()].map((kept) => this.#after(kept, () => this.#drop(kept))));
  }

  /** Waits for readers and takes everything away. */
  async close(): Promise<void> {
    await this.forget();
    for (const { idle } of this.#kept.values()) clearTimeout(idle);
    this.#kept.clear();
  }

  /** What is being read of an endpoint, of several readings the one with the most left; null: nothing. */
  reading(endpoint: string): NarrowReading | null {
    const left = ({ rowsRead, rowsTotal }: NarrowReading): number => rowsTotal - rowsRead;
    const found = [...this.#kept.values()].flatMap((kept) =>
      kept.endpoint === endpoint && kept.reading ? [kept.reading] : [],
    );
    return found.sort((a, b) => left(b) - left(a))[0] ?? null;
  }

  async #bringUpToDate(kept: Kept, selection: NarrowSelection): Promise<string | null> {
    const { frames, directory, clock } = this.#options;
    const startedMs = clock.nowMs();
    const files = await this.#options.files(kept.endpoint);
    if (files.predictions.length === 0) return null;
    const types = await typesOf(frames, files.predictions, selection.features);
    if (kept.table && !(await kept.table.fits(files, types))) await this.#drop(kept);
    const name = `narrow_${uuidv7().replaceAll('-', '')}`;
    kept.table ??= await NarrowTable.create(frames, { path: join(directory, name), name }, selection, types);
    try {
      await kept.table.add(files, (rowsRead, rowsTotal) => {
        kept.reading = { rowsRead, rowsTotal, startedMs };
      });
    } finally {
      kept.reading = null;
    }
    return kept.table.relation;
  }

  /** Lets a table go unless somebody comes back. */
  #rest(key: string, kept: Kept): void {
    clearTimeout(kept.idle);
    kept.idle = setTimeout(() => {
      this.#kept.delete(key);
      // A disk that lets no file go must not end control; what is left there is used by nobody.
      this.#after(kept, () => this.#drop(kept)).catch(() => undefined);
    }, this.#options.idleMs ?? defaultIdleMs);
    kept.idle.unref();
  }

  #after(kept: Kept, work: () => Promise<void>): Promise<void> {
    const done = kept.last.then(work);
    kept.last = done;
    return done;
  }

  async #drop(kept: Kept): Promise<void> {
    const { table } = kept;
    kept.table = undefined;
    await table?.drop();
  }
}
