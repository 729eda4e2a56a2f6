import { systemActor } from '../../platform/access/index.ts';
import type { WindowSize } from './contract.ts';
import type { LogReader } from './read-window.ts';
import { windowLengthMs, windowStartMs } from './window-times.ts';

/** How far the log had been looked at, and now is. */
interface SeenLog {
  readonly labelSegment: string;
  /** Wall clock time. */
  readonly predictionsMs: number;
}

/** Starts of closed windows that labels or rows came in for since `seen`, oldest first; and the newest labels now. */
export async function affectedWindows(
  { feedback, frames }: LogReader,
  endpoint: string,
  size: WindowSize,
  openWindowStartMs: number,
  seen: SeenLog,
): Promise<{ readonly starts: readonly number[]; readonly newestLabelSegment: string }> {
  const starts = new Set<number>();
  const labelSegments = await feedback.labelSegments(systemActor, endpoint);
  const newestLabelSegment = labelSegments.reduce(
    (newest, { id }) => (id > newest ? id : newest),
    seen.labelSegment,
  );
  const times = await feedback.labelledSince(systemActor, endpoint, seen.labelSegment, openWindowStartMs);
  if (times !== null) {
    const length = windowLengthMs(size);
    const offset = windowStartMs(0, size);
    const rows = await frames.query(
      `SELECT DISTINCT CAST(floor((event_time_ms - (${offset})) / ${length}.0) AS BIGINT) AS n FROM ${times}`,
    );
    for (const row of rows) starts.add((row.n as number) * length + offset);
  }
  // A segment may be registered in the same millisecond as the last look: looking at it again does no harm.
  const late = await feedback.predictionSegments(systemActor, {
    endpoint,
    toMs: openWindowStartMs,
    registeredSinceMs: seen.predictionsMs,
  });
  for (const { minEventTimeMs, maxEventTimeMs } of late) {
    const last = Math.min(maxEventTimeMs, openWindowStartMs - 1);
    for (let at = windowStartMs(minEventTimeMs, size); at <= last; at += windowLengthMs(size)) starts.add(at);
  }
  return { starts: [...starts].sort((a, b) => a - b), newestLabelSegment };
}
