import { fail, type MillraceError } from './errors.ts';

const noRoom = new Set(['ENOSPC', 'EDQUOT']);
const refused = new Set(['EROFS', 'EIO']);
/** SQLITE_FULL, and SQLITE_IOERR_SHMSIZE: there is no room for the index of the write-ahead log. */
const sqliteNoRoom = new Set([13, 4874]);
/** Of SQLite's result codes the lowest byte: READONLY, IOERR, CORRUPT, CANTOPEN, NOTADB. */
const sqliteRefused = new Set([8, 10, 11, 14, 26]);

/**
 * The error behind a file system's or SQLite's, where a disk is what is wrong: `disk_full`, `disk_unusable`. Undefined
 * for every other error.
 *
 * @param path what was read or written, for the message
 */
export function diskError(error: unknown, path: string): MillraceError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code = '', errcode = 0, message } = error as NodeJS.ErrnoException & { readonly errcode?: number };
  const isSqlite = code === 'ERR_SQLITE_ERROR';
  if (isSqlite ? sqliteNoRoom.has(errcode) : noRoom.has(code)) return fail('disk_full', { path }, error);
  if (!(isSqlite ? sqliteRefused.has(errcode & 0xff) : refused.has(code))) return undefined;
  // Behind the comma is what the file system was asked for.
  const [problem = message] = message.split(', ');
  return fail('disk_unusable', { path, problem }, error);
}
