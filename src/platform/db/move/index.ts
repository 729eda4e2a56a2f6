export { type MovedTable, moveTables } from './move-tables.ts';
export { sqliteTables } from './sqlite-tables.ts';
