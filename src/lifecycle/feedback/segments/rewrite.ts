import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { uuidv7 } from '../../../core/ids.ts';
import type { Digest } from '../../../core/json.ts';
import { digestSchema } from '../../../core/model-types.ts';
import type { DirectoryBlobStore } from '../../../platform/blobs/index.ts';
import { type Frames, sqlLiteral, typedRows } from '../../../platform/frames/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import type { LabelSegment } from '../contract.ts';
import type { FeedbackStore, LabelKind, RewritableSegment } from '../store.ts';

export interface RewriteOptions {
  readonly blobs: DirectoryBlobStore;
  readonly frames: Frames;
  /** Where files lie until they are blobs. */
  readonly directory: string;
  readonly store: Pick<FeedbackStore, 'heldDigests'>;
}

export type NewSegment = LabelSegment & { readonly kind: LabelKind };

const dayMs = 86_400_000;
/** A point look-up reads one column of one file, so a file must not grow without end. */
export const mostRows = 500_000;
/** What a rewriting that is not over may have stored: digests, one a line, in its directory. */
const madeFile = 'made';
const directoryPrefix = 'rewrite-';
/** Sorted by id, one of these is read for a look-up, and which one the file tells. */
const rowGroup = 20_480;

/**
 * Writes the rows of segments into new ones, one or more for each UTC day, in order of their ids (those that we give grow with time). The
 * segments must be of one endpoint and kind and have the same columns. Blobs of a rewriting that fails or is killed are
 * deleted, at the latest by `openRewritings`: an erasure would not find the rows in them.
 *
 * @param keep SQL condition for the rows that stay
 * @param idOf name of the n-th new segment
 * @param put puts them in the place of the others
 */
export async function rewriteSegments(
  options: RewriteOptions,
  segments: readonly RewritableSegment[],
  keep: string,
  idOf: (n: number) => string,
  put: (made: readonly NewSegment[]) => Promise<void>,
): Promise<void> {
  const temporary = await mkdtemp(join(options.directory, directoryPrefix));
  try {
    await put(await write(options, segments, keep, idOf, temporary));
    await rm(temporary, { recursive: true, force: true });
  } catch (error) {
    // What cannot be discarded now is at the next start.
    await discard(options, temporary).catch(() => undefined);
    throw error;
  }
}

/** Makes an empty directory for rewritings: what earlier ones stored that ended before anything referred to it is deleted. */
export async function openRewritings(
  options: Pick<RewriteOptions, 'blobs' | 'directory' | 'store'> & { readonly log: Logger },
): Promise<void> {
  const { directory } = options;
  await mkdir(directory, { recursive: true });
  try {
    for (const name of await readdir(directory))
      if (name.startsWith(directoryPrefix)) await discard(options, join(directory, name));
    // What an earlier process was writing when it ended is of no use.
    await rm(directory, { recursive: true });
    await mkdir(directory);
  } catch (error) {
    const told = 'files that a killed compaction stored could not be deleted: tried at the next start';
    options.log.warn({ err: error }, told);
  }
}

async function discard(
  { blobs, store }: Pick<RewriteOptions, 'blobs' | 'store'>,
  temporary: string,
): Promise<void> {
  const made = await readFile(join(temporary, madeFile), 'utf8').catch(() => '');
  const digests = made.split('\n').filter(isDigest);
  const held = await store.heldDigests(digests);
  for (const digest of digests) if (!held.has(digest)) await blobs.delete(digest);
  await rm(temporary, { recursive: true, force: true });
}

const isDigest = (text: string): text is Digest => digestSchema.safeParse(text).success;

async function write(
  { blobs, frames }: RewriteOptions,
  segments: readonly RewritableSegment[],
  keep: string,
  idOf: (n: number) => string,
  temporary: string,
): Promise<readonly NewSegment[]> {
  const [first] = segments;
  if (!first) return [];
  const paths = await Promise.all(segments.map(({ digest }) => blobs.path(digest)));
  const rows = `SELECT * EXCLUDE (filename, file_row_number) FROM read_parquet([${paths.map(sqlLiteral).join(', ')}],
    union_by_name = true, filename = true, file_row_number = true) WHERE ${keep}`;
  const days = await typedRows(
    frames,
    z.object({ day: z.int(), rows: z.int() }),
    `SELECT floor(event_time_ms / ${dayMs}.0)::BIGINT AS day, count(*) AS rows FROM (${rows}) GROUP BY 1 ORDER BY 1`,
  );
  const made: NewSegment[] = [];
  for (const { day, rows: count } of days) {
    const from = day * dayMs;
    const ofDay = `${rows} AND event_time_ms >= ${from} AND event_time_ms < ${from + dayMs}`;
    for (let offset = 0; offset < count; offset += mostRows) {
      const path = join(temporary, `${uuidv7()}.parquet`);
      // Each part is sorted by itself: a row whose place were left open would be in two of them, or in none.
      const part = count <= mostRows ? '' : `, filename, file_row_number LIMIT ${mostRows} OFFSET ${offset}`;
      await frames.query(
        `COPY (${ofDay} ORDER BY prediction_id, event_time_ms, received_at_ms${part}) TO ${sqlLiteral(path)}
         (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroup})`,
      );
      await appendFile(join(temporary, madeFile), `${await digestOfFile(path)}\n`, { flush: true });
      made.push(await storeSegment(frames, blobs, path, first, idOf(made.length)));
      await rm(path);
    }
  }
  return made;
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of createReadStream(path)) hash.update(bytes as Buffer);
  return `sha256:${hash.digest('hex')}`;
}

async function storeSegment(
  frames: Frames,
  blobs: DirectoryBlobStore,
  path: string,
  { endpoint, kind }: RewritableSegment,
  id: string,
): Promise<NewSegment> {
  const [facts] = await typedRows(
    frames,
    z.object({ rows: z.int(), a: z.int(), b: z.int() }),
    `SELECT count(*) AS rows, min(event_time_ms) AS a, max(event_time_ms) AS b FROM read_parquet(${sqlLiteral(path)})`,
  );
  if (!facts) throw new Error('a count has one row');
  const { digest } = await blobs.put(createReadStream(path));
  return {
    id,
    endpoint,
    kind,
    digest,
    rows: facts.rows,
    minEventTimeMs: facts.a,
    maxEventTimeMs: facts.b,
  };
}

/** Groups segments whose files have the same columns of the same types: only those can be one file. */
export async function byColumns(
  { blobs, frames }: Pick<RewriteOptions, 'blobs' | 'frames'>,
  segments: readonly RewritableSegment[],
): Promise<readonly (readonly RewritableSegment[])[]> {
  const byPath = new Map<string, RewritableSegment[]>();
  for (const segment of segments) {
    const path = await blobs.path(segment.digest);
    byPath.set(path, [...(byPath.get(path) ?? []), segment]);
  }
  const rows = await typedRows(
    frames,
    z.object({ file_name: z.string(), columns: z.string() }),
    `SELECT file_name, md5(string_agg(concat_ws(' ', name, type, converted_type), ',' ORDER BY name)) AS columns
     FROM parquet_schema([${[...byPath.keys()].map(sqlLiteral).join(', ')}]) GROUP BY 1`,
  );
  const groups = new Map<string, RewritableSegment[]>();
  for (const { file_name, columns } of rows) {
    groups.set(columns, [...(groups.get(columns) ?? []), ...(byPath.get(file_name) ?? [])]);
  }
  return [...groups.values()];
}
