export { type MovedTable, moveTables } from './moveTables.ts';
export { sqliteTables } from './sqliteTables.ts';
