/** What the newest answers of an endpoint took, without waiting for a window of monitoring to close. Pure. */
import { noVerdictStatuses } from '../../../../src/core/no-verdict.ts';
import type { Prediction } from '../../../../src/lifecycle/feedback/contract.ts';

/** Milliseconds by nearest rank. */
type Spread = { readonly median: number; readonly p99: number };

export type RecentAnswers = {
  readonly answered: number;
  /** Those that the server or the model failed to answer. */
  readonly failed: number;
  /** Those that were refused for what was sent. */
  readonly refused: number;
  /** When the last of them was given, by the wall clock; null when none was. */
  readonly lastAt: string | null;
  /** To the end of an answer; null when none was given. */
  readonly latencyMs: Spread | null;
  /** Of the answers, those that came in pieces. */
  readonly inPieces: number;
  /** To the first piece of those; null when there are none. */
  readonly firstPieceMs: Spread | null;
};

/** Sums up rows of the log. Copies in shadow were nobody's answer and must not be among them. */
export function recentAnswers(rows: readonly Prediction[]): RecentAnswers {
  const given = rows.filter((row) => row.status === 'ok');
  const pieces = given.flatMap((row) => (row.firstPieceMs === null ? [] : [row.firstPieceMs]));
  return {
    answered: rows.length,
    failed: rows.filter((row) => hasFailed(row)).length,
    refused: rows.filter((row) => row.refused).length,
    lastAt: rows.reduce<string | null>(
      (last, row) => (last === null || row.receivedAt > last ? row.receivedAt : last),
      null,
    ),
    latencyMs: spreadOf(given.map((row) => row.latencyMs)),
    inPieces: pieces.length,
    firstPieceMs: spreadOf(pieces),
  };
}

/** Whether the server or the model failed to answer; a caller who left says nothing of either. */
export const hasFailed = ({ status, refused }: Pick<Prediction, 'status' | 'refused'>): boolean =>
  status !== 'ok' && !refused && !noVerdictStatuses.includes(status);

function spreadOf(values: readonly number[]): Spread | null {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (ratio: number): number | undefined => sorted[Math.max(0, Math.ceil(ratio * sorted.length) - 1)];
  const [median, p99] = [at(0.5), at(0.99)];
  return median === undefined || p99 === undefined ? null : { median, p99 };
}
