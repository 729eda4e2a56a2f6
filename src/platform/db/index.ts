export { type Database, type DialectName, type Tx, tables } from './database.ts';
export { everyText } from './every-text.ts';
export { autoIncrement, execute, type Migration, migrate } from './migrations.ts';
export { openSqlite } from './sqlite.ts';
export { arraysOf } from './sqlite-arrays.ts';
export {
  type SqliteStatements,
  type SqlParameter,
  type Statements,
  sqliteStatements,
  statements,
} from './statements.ts';
