import type { WindowSize } from './contract.ts';

const dayMs = 86_400_000;
/** 1970-01-01 was a Thursday; weeks begin on Monday (ISO 8601). */
const mondayOffsetMs = 4 * dayMs;

export function windowLengthMs(size: WindowSize): number {
  return size === 'day' ? dayMs : 7 * dayMs;
}

/** Start of the UTC day, or of the UTC week from Monday, that holds a time. */
export function windowStartMs(timeMs: number, size: WindowSize): number {
  const length = windowLengthMs(size);
  const offset = size === 'day' ? 0 : mondayOffsetMs;
  return Math.floor((timeMs - offset) / length) * length + offset;
}
