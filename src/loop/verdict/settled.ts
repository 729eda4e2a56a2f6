/** Between the answer of a request and its row in the log, at most. */
const writtenWithinMs = 1000;

/**
 * How much later than a request another one of the same replica must have been received for everything of the first one's time to be in the
 * log, milliseconds. Requests are logged as they end: before that, of those that were received together only those of
 * the faster arm are there, which looks as if the split had lost the others.
 *
 * @param slowestMs the slowest request of any arm
 */
export function settledAfterMs(slowestMs: number): number {
  return slowestMs + writtenWithinMs;
}

/**
 * The same for what an arm says by its silence: nobody knows how long it takes that has answered nothing yet, but one that
 * takes a minute, and ten times as long as the slowest request of all others, has answered by then.
 */
export const overdueAfter = { leastMs: 60_000, timesSlowest: 10 } as const;
