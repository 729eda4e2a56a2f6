import { type RawBuilder, type SqlBool, sql } from 'kysely';
import { sqliteStatements, type Tx } from '../../../platform/db/index.ts';

/** A condition on `run_seq` with one parameter, however many runs: the statement stays the same. */
export function ofRuns(tx: Tx, seqs: readonly number[]): { readonly where: string; readonly value: string } {
  return sqliteStatements(tx)
    ? { where: 'run_seq IN (SELECT value FROM json_each(?))', value: JSON.stringify(seqs) }
    : { where: 'run_seq = ANY(CAST(? AS BIGINT[]))', value: `{${seqs.join()}}` };
}

/** The same for a query that is built, on any column that holds a run's number. */
export function isOfRuns(tx: Tx, column: string, seqs: readonly number[]): RawBuilder<SqlBool> {
  return sqliteStatements(tx)
    ? sql<SqlBool>`${sql.ref(column)} IN (SELECT value FROM json_each(${JSON.stringify(seqs)}))`
    : sql<SqlBool>`${sql.ref(column)} = ANY(CAST(${`{${seqs.join()}}`} AS BIGINT[]))`;
}

/** The runs `r` at their `w.place` among these numbers; the numbers are one parameter too. */
export function orderOfRuns(
  tx: Tx,
  seqs: readonly number[],
): { readonly from: string; readonly value: string } {
  return sqliteStatements(tx)
    ? {
        from: '(SELECT key AS place, value AS seq FROM json_each(?)) w CROSS JOIN runs r ON r.seq = w.seq',
        value: JSON.stringify(seqs),
      }
    : {
        from: 'unnest(CAST(? AS BIGINT[])) WITH ORDINALITY w (seq, place) JOIN runs r ON r.seq = w.seq',
        value: `{${seqs.join()}}`,
      };
}
