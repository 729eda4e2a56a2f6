import { createHash } from 'node:crypto';
import { fail } from '../../../core/errors.ts';
import type { TableRow, TableShape, TableStore } from './table-store.ts';

/** What was moved of one table, counted and digested on both sides. */
export interface MovedTable {
  readonly name: string;
  readonly rows: number;
  readonly sourceDigest: string;
  readonly targetDigest: string;
}

/**
 * Copies all tables of one database to another that has the same schema, reads the copy again, and commits only if
 * every table has the same rows on both sides. What the target held is replaced.
 *
 * @param moved called with each table when its copy was compared
 * @throws `move_schema_differs`, `move_table_differs`
 */
export async function moveTables(
  source: TableStore,
  target: TableStore,
  moved: (table: MovedTable) => void,
): Promise<readonly MovedTable[]> {
  const shapes = await commonShapes(source, target);
  for (const shape of shapes) await target.clear(shape);
  const sent = new Map<string, RowsDigest>();
  for (const shape of shapes) {
    const digest = new RowsDigest();
    sent.set(shape.name, digest);
    for await (const rows of source.rows(shape)) {
      digest.add(rows);
      await target.insert(shape, rows);
    }
  }
  // Compared when all is written: triggers of one table may write another.
  const done: MovedTable[] = [];
  for (const shape of shapes) {
    const theirs = sent.get(shape.name) ?? new RowsDigest();
    const stored = new RowsDigest();
    for await (const rows of target.rows(shape)) stored.add(rows);
    const { name } = shape;
    const table = { name, rows: theirs.count, sourceDigest: theirs.digest(), targetDigest: stored.digest() };
    if (table.sourceDigest !== table.targetDigest) {
      throw fail('move_table_differs', { table: name, rows: theirs.count, stored: stored.count });
    }
    done.push(table);
    moved(table);
  }
  for (const [name, last] of await source.counters()) await target.setCounter(name, last);
  await target.commit();
  return done;
}

async function commonShapes(source: TableStore, target: TableStore): Promise<readonly TableShape[]> {
  const theirs = new Map((await target.tables()).map((shape) => [shape.name, shape]));
  const ours = await source.tables();
  const names = (shape: TableShape | undefined) =>
    shape?.columns
      .map((column) => column.name)
      .sort()
      .join(' ');
  for (const shape of ours) {
    if (names(shape) !== names(theirs.get(shape.name)))
      throw fail('move_schema_differs', { table: shape.name });
  }
  const extra = [...theirs.keys()].find((name) => !ours.some((shape) => shape.name === name));
  if (extra !== undefined) throw fail('move_schema_differs', { table: extra });
  return ours;
}

/** The digest of rows in their order. */
class RowsDigest {
  readonly #hash = createHash('sha256');
  count = 0;

  add(rows: readonly TableRow[]): void {
    this.count += rows.length;
    const lines = rows.map((row) => `${JSON.stringify(row.map(plain))}\n`);
    this.#hash.update(lines.join(''));
  }

  digest(): string {
    return `sha256:${this.#hash.digest('hex')}`;
  }
}

function plain(value: TableRow[number]): unknown {
  return value instanceof Uint8Array ? { bytes: Buffer.from(value).toString('base64') } : value;
}
