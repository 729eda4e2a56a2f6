import { existsSync, renameSync, rmSync } from 'node:fs';
import { fail } from '../core/errors.ts';
import { settleEverything } from '../lifecycle/experiments/index.ts';
import { dataDirectory, lockDirectory, readSettings } from '../platform/config/index.ts';
import { type Database, migrate, openSqlite } from '../platform/db/index.ts';
import { type MovedTable, moveTables, sqliteTables } from '../platform/db/move/index.ts';
import { allMigrations } from './control-services.ts';

/** Where to: the other database, and in which direction. */
interface MoveCall {
  readonly direction: 'to' | 'from';
  readonly url: string;
  readonly settingFlags: readonly string[];
}

/**
 * `millrace move --to postgres://…` and `--from postgres://…`: everything that the database of a data directory holds
 * goes to Postgres, or comes back from there into SQLite, while control does not run. Files stay where they are.
 * Nothing is kept of a move that fails or is cut off; it may be started again.
 *
 * @param print prints a line of the answer
 * @throws `data_locked` while control runs, `move_arguments_wrong`, `move_target_taken`, `move_table_differs`
 */
export async function move(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  print: (line: string) => void,
): Promise<void> {
  const { direction, url, settingFlags } = readCall(args);
  const settings = readSettings(settingFlags, env);
  const directory = dataDirectory(settings.data);
  const lock = lockDirectory(directory.root, 'control');
  const report = (table: MovedTable): void => {
    const { name, rows, sourceDigest } = table;
    print(
      `${name.padEnd(28)} ${rows.toLocaleString('en-US').padStart(12)}  ${sourceDigest.slice(7, 19)}  equal`,
    );
  };
  try {
    const moved =
      direction === 'to'
        ? await toPostgres(directory.database, url, report)
        : await toSqlite(directory.database, url, report);
    const rows = moved.reduce((sum, table) => sum + table.rows, 0);
    print(
      `${moved.length} tables, ${rows.toLocaleString('en-US')} rows: counts and digests are equal on both sides.`,
    );
    print(
      direction === 'to'
        ? 'Start control with MILLRACE_DATABASE_URL set to that address. The SQLite file stays as it was.'
        : 'Start control without MILLRACE_DATABASE_URL. What is in Postgres stays as it was.',
    );
  } finally {
    lock.release();
  }
}

function readCall(args: readonly string[]): MoveCall {
  const rest: string[] = [];
  const found: { direction: 'to' | 'from'; url: string }[] = [];
  for (let i = 0; i < args.length; i++) {
    const [flag = '', inline] = (args[i] ?? '').split(/=(.*)/s, 2);
    if (flag !== '--to' && flag !== '--from') {
      rest.push(args[i] ?? '');
      continue;
    }
    found.push({ direction: flag === '--to' ? 'to' : 'from', url: inline ?? args[++i] ?? '' });
  }
  const [only] = found;
  if (found.length !== 1 || !only || !/^postgres(ql)?:\/\//.test(only.url))
    throw fail('move_arguments_wrong', {});
  return { ...only, settingFlags: rest };
}

async function toPostgres(
  file: string,
  url: string,
  report: (table: MovedTable) => void,
): Promise<readonly MovedTable[]> {
  if (!existsSync(file)) throw fail('move_source_missing', { file });
  const { openPostgres } = await import('../platform/db/postgres.ts');
  const { postgresTables } = await import('../platform/db/move/postgres-tables.ts');
  await brought(openSqlite(file));
  await brought(await openPostgres(url));
  const target = await postgresTables(url);
  const source = sqliteTables(file);
  try {
    for (const shape of await target.tables()) {
      // A schema without data is what a move that was cut off leaves; it holds the default experiment at most.
      let rows = 0;
      for await (const part of target.rows(shape)) rows += part.length;
      if (rows > (shape.name === 'experiments' ? 1 : 0)) {
        throw fail('move_target_taken', { table: shape.name, rows });
      }
    }
    return await moveTables(source, target, report);
  } finally {
    await source.close();
    await target.close();
  }
}

async function toSqlite(
  file: string,
  url: string,
  report: (table: MovedTable) => void,
): Promise<readonly MovedTable[]> {
  const { openPostgres } = await import('../platform/db/postgres.ts');
  const { postgresTables } = await import('../platform/db/move/postgres-tables.ts');
  await brought(await openPostgres(url));
  const part = `${file}.moving`;
  for (const suffix of ['', '-wal', '-shm']) rmSync(part + suffix, { force: true });
  await brought(openSqlite(part));
  const source = await postgresTables(url);
  const target = sqliteTables(part);
  try {
    const moved = await moveTables(source, target, report);
    await target.close();
    // What a killed control left in its log goes into the file before that gets another name.
    if (existsSync(file)) await openSqlite(file).close();
    if (existsSync(file))
      renameSync(file, `${file}.before-move-${new Date().toISOString().replaceAll(':', '')}`);
    renameSync(part, file);
    return moved;
  } finally {
    await source.close();
    await target.close();
  }
}

/** Brings a database up to date, with what was logged in its places, and closes it again. */
async function brought(db: Database): Promise<void> {
  try {
    await migrate(db, allMigrations);
    await settleEverything(db);
  } finally {
    await db.close();
  }
}
