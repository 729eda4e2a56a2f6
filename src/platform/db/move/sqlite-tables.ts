import { DatabaseSync } from 'node:sqlite';
import { arraysOf } from '../sqlite-arrays.ts';
import type { CellValue, ColumnKind, TableRow, TableShape, TableStore } from './table-store.ts';

const rowsPerPart = 5000;

/** The tables of a SQLite file that nobody else has open. Writing is one transaction. */
export function sqliteTables(path: string): TableStore {
  const database = new DatabaseSync(path);
  database.exec('BEGIN IMMEDIATE');
  const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  const names = (shape: TableShape): string => shape.columns.map(({ name }) => quoted(name)).join(', ');
  return {
    async tables() {
      const list = database
        .prepare(
          `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
            AND name <> 'schema_migrations' ORDER BY name`,
        )
        .all() as { name: string }[];
      return list.map(({ name }) => shapeOf(database, name));
    },
    async *rows(shape) {
      const order = shape.key.map(quoted).join(', ');
      const statement = database.prepare(
        `SELECT ${names(shape)} FROM ${quoted(shape.name)}${order === '' ? '' : ` ORDER BY ${order}`}`,
      );
      let part: TableRow[] = [];
      for (const row of arraysOf(statement)) {
        part.push(row);
        if (part.length < rowsPerPart) continue;
        yield part;
        part = [];
      }
      if (part.length > 0) yield part;
    },
    async insert(shape, rows) {
      const places = shape.columns.map(() => '?').join(', ');
      const statement = database.prepare(
        `INSERT INTO ${quoted(shape.name)} (${names(shape)}) VALUES (${places})`,
      );
      for (const row of rows) statement.run(...(row as CellValue[]));
    },
    async clear(shape) {
      database.exec(`DELETE FROM ${quoted(shape.name)}`);
    },
    async counters() {
      const rows = database.prepare('SELECT name, seq FROM sqlite_sequence').all();
      return new Map((rows as { name: string; seq: number }[]).map(({ name, seq }) => [name, seq]));
    },
    async setCounter(table, last) {
      database.prepare('DELETE FROM sqlite_sequence WHERE name = ?').run(table);
      database.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)').run(table, last);
    },
    async commit() {
      database.exec('COMMIT');
    },
    async close() {
      if (!database.isOpen) return;
      if (database.isTransaction) database.exec('ROLLBACK');
      database.close();
    },
  };
}

function shapeOf(database: DatabaseSync, table: string): TableShape {
  const columns = database.prepare('SELECT name, type, pk FROM pragma_table_info(?)').all(table) as {
    name: string;
    type: string;
    pk: number;
  }[];
  const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
  return {
    name: table,
    columns: columns.map(({ name, type }) => ({ name, kind: kindOf(type) })),
    key: (key.length > 0 ? key : columns).map(({ name }) => name),
  };
}

function kindOf(type: string): ColumnKind {
  if (/INT/i.test(type)) return 'integer';
  if (/REAL|DOUBLE|FLOAT/i.test(type)) return 'real';
  return /BLOB/i.test(type) ? 'bytes' : 'text';
}
