import { uuidv7 } from '../../core/ids.ts';
import type { RolloutLog } from './observe.ts';

/** Computes a query once for work that reads its result several times; gone when that is over. */
export async function withTable<T>(
  log: RolloutLog,
  sql: string,
  work: (table: string) => Promise<T>,
): Promise<T> {
  const table = `look_${uuidv7().replaceAll('-', '')}`;
  await log.query(`CREATE TABLE ${table} AS ${sql}`);
  try {
    return await work(table);
  } finally {
    await log.query(`DROP TABLE IF EXISTS ${table}`);
  }
}
