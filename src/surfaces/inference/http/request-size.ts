import { malformed } from '../request-context.ts';

/**
 * Rows and texts of a request, however small they are: each costs memory of its own beyond its bytes (an id, a line of
 * the log; an object), so that a body well within its limit could exhaust the process.
 */
const mostRows = 100_000;
const mostTexts = 2_000_000;

/** Throws `request_malformed` when a request has too many rows. */
export function checkRowCount(rowCount: number): void {
  if (rowCount > mostRows) {
    throw malformed(
      `a request may have ${mostRows} rows, this one has ${rowCount}; send several, or a batch`,
    );
  }
}

/**
 * Throws `request_malformed` when an input has too many texts.
 *
 * @param what says of what in the error
 */
export function checkTextCount(what: string, count: number): void {
  if (count > mostTexts) {
    throw malformed(`${what} has ${count} texts; a request may have ${mostTexts}`);
  }
}
