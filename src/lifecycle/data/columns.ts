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
