import type { Column, ColumnType } from './contract.ts';

/** A column with its type as stored, in DuckDB's words. */
export interface StoredColumn extends Column {
  readonly storedType: string;
}

const integers = new Set([
  'TINYINT',
  'SMALLINT',
  'INTEGER',
  'BIGINT',
  'HUGEINT',
  'UTINYINT',
  'USMALLINT',
  'UINTEGER',
  'UBIGINT',
  'UHUGEINT',
]);

/** What a DuckDB type holds, in the words of the contract. Lists, structs and blobs are `other`. */
export function columnTypeOf(storedType: string): ColumnType {
  const base = storedType.toUpperCase().replace(/\(.*$/, '').trim();
  if (/\[\d*\]$/.test(storedType)) return 'other';
  if (integers.has(base)) return 'integer';
  if (base === 'FLOAT' || base === 'DOUBLE' || base === 'DECIMAL') return 'number';
  if (base === 'BOOLEAN') return 'boolean';
  if (base === 'VARCHAR' || base === 'UUID' || base === 'ENUM') return 'string';
  if (base === 'DATE' || base.startsWith('TIMESTAMP')) return 'time';
  return 'other';
}

/** True if a column can serve as event time: a timestamp, a date, or an integer of epoch milliseconds. */
export function canBeTime(type: ColumnType): boolean {
  return type === 'time' || type === 'integer';
}

/** SQL for a column's time in epoch milliseconds (BIGINT). Times without zone are UTC. */
export function timeMsSql(quotedColumn: string, storedType: string): string {
  if (columnTypeOf(storedType) === 'integer') return `CAST(${quotedColumn} AS BIGINT)`;
  return storedType.toUpperCase() === 'DATE'
    ? `epoch_ms(CAST(${quotedColumn} AS TIMESTAMP))`
    : `epoch_ms(${quotedColumn})`;
}

/**
 * The name nearest to a wrong one by Damerau-Levenshtein distance, letter case ignored; null if all are too
 * far to be a slip (more than a third of the letters).
 */
export function nearestName(wrong: string, names: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(wrong.length / 3)) + 1;
  for (const name of names) {
    const distance = editDistance(wrong.toLowerCase(), name.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best;
}

/** Damerau-Levenshtein distance (optimal string alignment): insert, delete, replace, swap neighbours. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, replaced);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
