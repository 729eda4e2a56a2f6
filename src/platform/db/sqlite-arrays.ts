import type { SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';

/** A value of a column; whole numbers are numbers, as node:sqlite gives them unless it is told otherwise. */
type Cell = Exclude<SQLOutputValue, bigint>;

/**
 * The rows of a statement one after the other, each as the list of its columns. The types of node:sqlite know rows by
 * name only, whatever `setReturnArrays` says, hence the cast. A number beyond 2^53 throws.
 */
export function* arraysOf(
  statement: StatementSync,
  ...parameters: readonly SQLInputValue[]
): Generator<readonly Cell[]> {
  statement.setReturnArrays(true);
  yield* statement.iterate(...parameters) as Iterable<unknown> as Iterable<readonly Cell[]>;
}
