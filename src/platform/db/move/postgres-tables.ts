import pg from 'pg';
import type { CellValue, ColumnKind, TableShape, TableStore } from './table-store.ts';

const rowsPerPart = 5000;
const int8 = 20;
const casts: Readonly<Record<ColumnKind, string>> = {
  integer: 'bigint',
  real: 'double precision',
  text: 'text',
  bytes: 'bytea',
};

/** The tables of a Postgres database, in one transaction that sees, and writes, one state of it. */
export async function postgresTables(url: string): Promise<TableStore> {
  const types: pg.CustomTypesConfig = {
    getTypeParser: ((oid: number, format: 'text' | 'binary') =>
      oid === int8 ? Number : pg.types.getTypeParser(oid, format as 'text')) as never,
  };
  const client = new pg.Client({ connectionString: url, types });
  // A connection that breaks while the other database is asked: told by what is asked next.
  client.on('error', () => undefined);
  await client.connect();
  // A server or role may be set to round floats for people: then the rows of both sides would differ.
  await client.query('SET extra_float_digits = 1');
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  let isOpen = true;
  const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  const names = (shape: TableShape): string => shape.columns.map(({ name }) => quoted(name)).join(', ');
  const list = async <T>(sql: string, parameters: readonly unknown[] = []): Promise<readonly T[]> =>
    (await client.query(sql, [...parameters])).rows as T[];
  return {
    tables: () => shapesOf(list),
    async *rows(shape) {
      const kinds = new Map(shape.columns.map(({ name, kind }) => [name, kind]));
      const order = shape.key.map(
        (name) => `${quoted(name)}${kinds.get(name) === 'text' ? ' COLLATE "C"' : ''}`,
      );
      await client.query(
        `DECLARE moving CURSOR FOR SELECT ${names(shape)} FROM ${quoted(shape.name)} ORDER BY ${order.join(', ')}`,
      );
      for (;;) {
        const { rows } = await client.query<CellValue[]>({
          text: `FETCH ${rowsPerPart} FROM moving`,
          rowMode: 'array',
        });
        if (rows.length > 0) yield rows;
        if (rows.length < rowsPerPart) break;
      }
      await client.query('CLOSE moving');
    },
    async insert(shape, rows) {
      const columns = shape.columns.map((_, i) => rows.map((row) => forArray(row[i] ?? null)));
      const lists = shape.columns.map(({ kind }, i) => `$${i + 1}::${casts[kind]}[]`).join(', ');
      await client.query(
        `INSERT INTO ${quoted(shape.name)} (${names(shape)}) OVERRIDING SYSTEM VALUE SELECT * FROM unnest(${lists})`,
        columns,
      );
    },
    async clear(shape) {
      await client.query(`TRUNCATE ${quoted(shape.name)}`);
    },
    async counters() {
      const counters = new Map<string, number>();
      for (const { name, sequence } of await sequences(list)) {
        const [row] = await list<{ last: number | null }>(
          `SELECT CASE WHEN is_called THEN last_value END AS last FROM ${sequence}`,
        );
        if (row?.last) counters.set(name, row.last);
      }
      return counters;
    },
    async setCounter(table, last) {
      const found = (await sequences(list)).find(({ name }) => name === table);
      if (found && last > 0) await client.query('SELECT setval($1::regclass, $2)', [found.sequence, last]);
    },
    async commit() {
      await client.query('COMMIT');
      isOpen = false;
    },
    async close() {
      if (isOpen) await client.query('ROLLBACK').catch(() => undefined);
      await client.end();
    },
  };
}

type List = <T>(sql: string, parameters?: readonly unknown[]) => Promise<readonly T[]>;

async function shapesOf(list: List): Promise<readonly TableShape[]> {
  const columns = await list<{ table: string; name: string; type: string }>(
    `SELECT c.table_name AS table, c.column_name AS name, c.data_type AS type FROM information_schema.columns c
      JOIN information_schema.tables t USING (table_schema, table_name)
      WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
        AND c.table_name <> 'schema_migrations' ORDER BY c.table_name, c.ordinal_position`,
  );
  const keys = await list<{ table: string; name: string }>(
    `SELECT k.table_name AS table, k.column_name AS name FROM information_schema.key_column_usage k
      JOIN information_schema.table_constraints c USING (constraint_schema, constraint_name, table_name)
      WHERE c.constraint_type = 'PRIMARY KEY' AND c.table_schema = current_schema() ORDER BY k.ordinal_position`,
  );
  const byTable = Map.groupBy(columns, (column) => column.table);
  return [...byTable].map(([name, own]) => {
    const key = keys.filter((column) => column.table === name).map((column) => column.name);
    return {
      name,
      columns: own.map((column) => ({ name: column.name, kind: kindOf(column.type) })),
      key: key.length > 0 ? key : own.map((column) => column.name),
    };
  });
}

/** The tables with a column that counts up, and the names of their sequences as SQL. */
function sequences(list: List): Promise<readonly { readonly name: string; readonly sequence: string }[]> {
  return list(
    `SELECT table_name AS name,
        pg_get_serial_sequence(quote_ident(table_schema) || '.' || quote_ident(table_name), column_name) AS sequence
      FROM information_schema.columns WHERE table_schema = current_schema() AND is_identity = 'YES'`,
  );
}

function kindOf(type: string): ColumnKind {
  if (/int/.test(type)) return 'integer';
  if (type === 'double precision' || type === 'real') return 'real';
  return type === 'bytea' ? 'bytes' : 'text';
}

/** Bytes must be a Buffer for the driver's arrays. */
function forArray(value: CellValue): unknown {
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}
