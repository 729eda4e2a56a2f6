import { DuckDBInstance } from '@duckdb/node-api';
import { addUnpacking } from './unpacking.ts';

/**
 * DuckDB in memory. Times without a zone are UTC, wherever the machine is: else the same file would be read as other
 * times on another machine. Packed lists of numbers can be read (see packed-lists.ts).
 *
 * @param settings of DuckDB, by name
 */
export async function openDuckdb(settings: Readonly<Record<string, string>>): Promise<DuckDBInstance> {
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    ...settings,
  });
  const connection = await instance.connect();
  await connection.run(`SET GLOBAL TimeZone = 'UTC'`);
  addUnpacking(connection);
  connection.closeSync();
  return instance;
}
