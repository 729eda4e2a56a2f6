import { sql } from 'kysely';
import type { Database, DialectName, Tx } from './database.ts';

/** A page is read at one go, during which an embedded database answers nobody else. */
const pageRows = 1000;

interface Table {
  readonly name: string;
  readonly key: readonly string[];
  readonly texts: readonly string[];
}

/**
 * Every text that the database holds, table by table, in pages, so that others get their turn. For questions that
 * no slice may be forgotten in, such as which blobs are still mentioned.
 */
export async function* everyText(
  db: Database,
): AsyncIterable<{ readonly table: string; readonly text: string }> {
  for (const table of await tablesWithText(db.read, db.dialect)) {
    for await (const row of rowsOf(db.read, table)) {
      for (const column of table.texts) {
        const text = row[column];
        if (typeof text === 'string') yield { table: table.name, text };
      }
    }
  }
}

async function* rowsOf(tx: Tx, table: Table): AsyncIterable<Readonly<Record<string, unknown>>> {
  const columns = sql.join([...new Set([...table.key, ...table.texts])].map((name) => sql.ref(name)));
  const key = sql.join(table.key.map((name) => sql.ref(name)));
  let after: readonly unknown[] | undefined;
  for (;;) {
    const rest = after ? sql`WHERE (${key}) > (${sql.join(after)})` : sql``;
    const page =
      table.key.length > 0
        ? sql`SELECT ${columns} FROM ${sql.table(table.name)} ${rest} ORDER BY ${key} LIMIT ${pageRows}`
        : sql`SELECT ${columns} FROM ${sql.table(table.name)}`;
    const { rows } = await page.$castTo<Readonly<Record<string, unknown>>>().execute(tx);
    yield* rows;
    const last = rows.at(-1);
    if (!last || table.key.length === 0 || rows.length < pageRows) return;
    after = table.key.map((name) => last[name]);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function tablesWithText(tx: Tx, dialect: DialectName): Promise<readonly Table[]> {
  type Column = { table_name: string; column_name: string; type: string; key: number };
  const catalogue =
    dialect === 'sqlite'
      ? sql<Column>`
          SELECT m.name AS table_name, p.name AS column_name, p.type AS type, p.pk AS key
          FROM sqlite_master m, pragma_table_info(m.name) p
          WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, p.cid`
      : sql<Column>`
          SELECT c.table_name, c.column_name, c.data_type AS type, COALESCE(k.ordinal_position, 0) AS key
          FROM information_schema.columns c
          JOIN information_schema.tables t USING (table_schema, table_name)
          LEFT JOIN information_schema.table_constraints p
            ON p.table_schema = c.table_schema AND p.table_name = c.table_name
            AND p.constraint_type = 'PRIMARY KEY'
          LEFT JOIN information_schema.key_column_usage k
            ON k.constraint_name = p.constraint_name AND k.table_schema = c.table_schema
            AND k.table_name = c.table_name AND k.column_name = c.column_name
          WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE'
          ORDER BY c.table_name, c.ordinal_position`;
  const { rows } = await catalogue.execute(tx);
  const names = [...new Set(rows.map((row) => row.table_name))];
  return names
    .map((name) => {
      const columns = rows.filter((row) => row.table_name === name);
      const key = columns.filter((c) => c.key > 0).sort((a, b) => a.key - b.key);
      const texts = columns.filter((c) => /text|char|json|clob/i.test(c.type));
      return { name, key: key.map((c) => c.column_name), texts: texts.map((c) => c.column_name) };
    })
    .filter((table) => table.texts.length > 0);
}
