import type { Breach } from './rules.ts';
import { lineAt, type SourceFile } from './source-tree.ts';

const CREATED = /(?:\bCREATE TABLE\s+(?:IF NOT EXISTS\s+)?|\bcreateTable\(\s*['"`])["'`]?([a-z][a-z0-9_]*)/gi;

const MIGRATIONS =
  /^(src\/(?:lifecycle\/[^/]+|platform\/[^/]+|loop|surfaces\/[^/]+))\/(?:.*\/)?migrations(?:\/[^/]+)?\.ts$/;

/** Each table and the folder whose migrations.ts creates it. */
function tableOwners(files: readonly SourceFile[]): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const file of files) {
    const owner = MIGRATIONS.exec(file.path)?.[1];
    if (owner === undefined) continue;
    for (const match of file.text.matchAll(CREATED)) owners.set(match[1]!, owner);
  }
  return owners;
}

/** Every place that names a table in a query without owning it. */
export function tableBreaches(files: readonly SourceFile[]): Breach[] {
  const owners = tableOwners(files);
  if (owners.size === 0) return [];
  const names = [...owners.keys()].join('|');
  const query = new RegExp(
    [
      // Kysely's methods, with an optional alias.
      `\\b(?:selectFrom|insertInto|replaceInto|updateTable|deleteFrom|mergeInto|(?:inner|left|right|full|cross)Join|alterTable|dropTable|createTable)\\(\\s*\\[?\\s*['"\`](${names})(?:\\s+as\\s+\\w+)?['"\`]`,
      // SQL text: keywords in capitals.
      `\\b(?:FROM|JOIN|INTO|UPDATE|TABLE|TABLE IF EXISTS|INDEX \\w+ ON|TRIGGER \\w+ ON|REFERENCES)\\s+"?(${names})\\b(?!\\s*[=.(]\\s*\\$)`,
    ].join('|'),
    'g',
  );
  return files
    .filter((file) => file.path.startsWith('src/') && file.path.endsWith('.ts'))
    .flatMap((file) =>
      [...file.text.matchAll(query)].flatMap((match) => {
        const table = match[1] ?? match[2] ?? '';
        const owner = owners.get(table) ?? '';
        if (mayName(file.path, owner)) return [];
        return [
          {
            file: file.path,
            line: lineAt(file.text, match.index),
            problem: `queries the table ${table} of ${owner}`,
            rule: 'A table is named only by the store and the migrations of the folder that creates it.',
            wayOut: file.path.startsWith(`${owner}/`)
              ? `Move the query to ${owner}/store.ts.`
              : `Ask ${owner}/index.ts for the data; a DuckDB relation or a CTE of the same name gets another name.`,
          },
        ];
      }),
    );
}

function mayName(path: string, owner: string): boolean {
  if (!path.startsWith(`${owner}/`)) return false;
  if (owner.startsWith('src/platform/')) return true;
  const inside = path.slice(owner.length + 1);
  return /(^|\/)(store|migrations)(\/|\.ts$)/.test(inside) || /\.(test|testing)\.ts$/.test(inside);
}
