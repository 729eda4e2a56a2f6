import type { PredictionSegment } from '../contract.ts';
import type { LogPath } from '../relations.ts';

/** A part of the log that has every wanted row from a time on. */
export interface Slice {
  /** Where all such rows are; none where they are known by id. */
  readonly paths: readonly LogPath[];
  /** Rows of this event time or later are all there; -Infinity: all rows are. */
  readonly floorMs: number;
  /** The only predictions that can be wanted; undefined: any. */
  readonly ids?: readonly string[];
}

/** A file of the log, how many rows it has, and the times of its oldest and its newest one. */
export interface LogFile {
  readonly path: string;
  readonly rows: number;
  readonly minEventTimeMs: number;
  readonly maxEventTimeMs: PredictionSegment['maxEventTimeMs'];
}

const firstFiles = 8;
/** Rows that the first look takes into account, for each one wanted. */
const rowsForOne = 40;

/**
 * Ever larger parts of a log, the newest first, until one has the page that is looked for.
 *
 * @param files all that may hold such rows, ordered by maxEventTimeMs, newest first
 * @param count rows of the page
 * @param endMs rows of this time or later are not on the page
 */
export async function* newestSlices(
  files: readonly LogFile[],
  count: number,
  endMs: number,
): AsyncGenerator<Slice, void, undefined> {
  const [newest] = files;
  if (!newest) return;
  if (newest.rows >= count * rowsForOne * 2) {
    // Of a large file the newest part is looked at first: a page of an unselective question is there.
    const share = (count * rowsForOne) / newest.rows;
    const lastMs = Math.min(newest.maxEventTimeMs, endMs - 1);
    const floorMs = Math.floor(lastMs - (newest.maxEventTimeMs - newest.minEventTimeMs) * share);
    const paths = files.filter((file) => file.maxEventTimeMs >= floorMs).map(({ path }) => path);
    yield { paths, floorMs };
  }
  for (let read = firstFiles; ; read *= 4) {
    const paths = files.slice(0, read).map(({ path }) => path);
    const unread = files[read];
    const floorMs = unread === undefined ? Number.NEGATIVE_INFINITY : unread.maxEventTimeMs + 1;
    yield { paths, floorMs };
    if (unread === undefined) return;
  }
}

/** More predictions than this are not named one by one. */
export const mostIds = 20_000;

/** What is known of where the rows of an entity are. */
interface EntityLog {
  /** Its newest predictions, newest first. */
  readonly newest: (
    limit: number,
  ) => Promise<readonly { readonly predictionId: string; readonly eventTimeMs: number }[]>;
  /** Files that may hold its predictions. */
  readonly paths: () => Promise<readonly LogPath[]>;
}

/** As `newestSlices`, of the rows of one entity. */
export async function* entitySlices(log: EntityLog, count: number): AsyncGenerator<Slice, void, undefined> {
  for (let limit = count * 4; limit <= mostIds; limit *= 8) {
    const rows = await log.newest(limit);
    const ids = rows.map(({ predictionId }) => predictionId);
    const last = rows.length < limit ? undefined : rows.at(-1);
    // Of the last row's millisecond there may be more.
    const floorMs = last === undefined ? Number.NEGATIVE_INFINITY : last.eventTimeMs + 1;
    if (ids.length > 0) yield { paths: [], floorMs, ids };
    if (last === undefined) return;
  }
  yield { paths: await log.paths(), floorMs: Number.NEGATIVE_INFINITY };
}
