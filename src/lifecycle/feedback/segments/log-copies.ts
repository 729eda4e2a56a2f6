import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { csvRecords } from '../../../core/csv.ts';
import { csvDialect, csvMarks, csvText } from '../../../core/csv-dialect.ts';
import type { Digest } from '../../../core/json.ts';
import type { Actor } from '../../../platform/access/index.ts';
import type { DirectoryBlobStore } from '../../../platform/blobs/index.ts';
import { type Frames, sqlLiteral, sqlName } from '../../../platform/frames/index.ts';
import type { EraseHook } from '../../../platform/registries/index.ts';
import { loggedColumns } from '../replay/write-window.ts';
import type { LogHashKeys } from './log-hash-keys.ts';

export interface LogCopiesOptions {
  readonly blobs: DirectoryBlobStore;
  readonly frames: Frames;
  /** Files in which entities of the log may be: windows, what was made of them, files of labels. */
  readonly digests: () => Promise<readonly Digest[]>;
  readonly hashKeys: Pick<LogHashKeys, 'entityForms'>;
  /** Takes away what else was made of a file that is about to be deleted; may be called twice for the same one. */
  readonly deleting: (digest: Digest) => Promise<void>;
}

/** Columns in which such a file has an entity. */
const entityColumns = [loggedColumns.entity, 'entity'];

/**
 * What Millrace has written from the log, and what labels were read from. These files are facts with a digest: they
 * are not rewritten without an entity but deleted whole, and can be made again from the log.
 */
export class LogCopies {
  readonly #options: LogCopiesOptions;

  constructor(options: LogCopiesOptions) {
    this.#options = options;
  }

  /** Deletes the files that an entity is in. */
  eraseHook(): EraseHook<Actor> {
    return {
      name: 'files made of the log',
      erase: async (_actor, { entity }) => {
        const { blobs, digests, hashKeys, deleting } = this.#options;
        const texts = hashKeys.entityForms(entity);
        let files = 0;
        for (const digest of new Set(await digests())) {
          if (!(await blobs.info(digest)) || !(await this.#isIn(digest, texts))) continue;
          await deleting(digest);
          await blobs.delete(digest);
          files++;
        }
        return { files };
      },
    };
  }

  async #isIn(digest: Digest, texts: readonly string[]): Promise<boolean> {
    const { blobs, frames } = this.#options;
    const path = await blobs.path(digest);
    const [head] = await Array.fromAsync(createReadStream(path, { end: 3, encoding: 'latin1' }));
    if (head !== 'PAR1') return isInCsv(() => createReadStream(path), texts);
    const file = `read_parquet(${sqlLiteral(path)})`;
    const columns = await frames.query(`DESCRIBE SELECT * FROM ${file}`).catch(() => null);
    if (columns === null) {
      // Not the file's fault where the engine answers nothing else either: the erasure fails, and is asked for again.
      await frames.query('SELECT 1');
      const bytes = await readFile(path);
      return texts.some((text) => bytes.includes(text));
    }
    const names = columns.map((column) => String(column.column_name));
    const own = entityColumns.filter((name) => names.includes(name));
    if (own.length === 0) return false;
    const isIt = own.map((name) => `${sqlName(name)}::VARCHAR IN (${texts.map(sqlLiteral).join(', ')})`);
    const found = await frames.query(`SELECT 1 AS found FROM ${file} WHERE ${isIt.join(' OR ')} LIMIT 1`);
    return found.length > 0;
  }
}

/** Whether an entity column of a CSV file has one of these texts; where it is unclear how to read it, any cell. */
async function isInCsv(bytes: () => AsyncIterable<Uint8Array>, texts: readonly string[]): Promise<boolean> {
  const dialect = await csvDialect(bytes());
  const isClear = typeof dialect !== 'string';
  const text = csvText(bytes(), isClear ? dialect.encoding : 'latin1');
  let own: readonly number[] | null = null;
  for await (const records of csvRecords(text, isClear ? csvMarks(dialect) : undefined)) {
    for (const { cells } of records) {
      if (!isClear) {
        if (cells.some((cell) => texts.some((wanted) => cell?.includes(wanted)))) return true;
        continue;
      }
      if (own) {
        if (own.some((at) => texts.includes(cells[at]?.trim() ?? ''))) return true;
        continue;
      }
      own = cells.flatMap((name, at) =>
        entityColumns.includes(name?.trim().toLowerCase() ?? '') ? [at] : [],
      );
      if (own.length === 0) return false;
    }
  }
  return false;
}
