import { fail } from './errors.ts';

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** The longest that a timer of Node's can wait, 24.8 days; one that is set for longer fires at once. */
export const longestTimerMs = 2 ** 31 - 1;

/** Calls `act` once after so long a time, which may be longer than a timer waits. Gives what calls that off. */
export function callAfter(ms: number, act: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const wait = (leftMs: number): void => {
    const partMs = Math.min(leftMs, longestTimerMs);
    timer = setTimeout(() => (leftMs > partMs ? wait(leftMs - partMs) : act()), partMs);
  };
  wait(ms);
  return () => clearTimeout(timer);
}

/**
 * Reads a duration such as `90s`, `6h`, `7d` or `1h30m` and returns milliseconds.
 *
 * Units: ms, s, m, h, d (24 h), w (7 d). A number without a unit is refused, because nobody can tell what it
 * means. Throws `invalid_duration`, naming the field.
 */
export function parseDuration(text: string, field = 'duration'): number {
  const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)/g)];
  const read = parts.map((p) => p[0]).join('');
  if (parts.length === 0 || read.replace(/\s/g, '') !== text.replace(/\s/g, '')) {
    throw fail('invalid_duration', { field, value: text });
  }
  return parts.reduce((sum, p) => sum + Number(p[1]) * (unitMs[p[2] ?? ''] ?? 0), 0);
}

/** Milliseconds as a short duration for people: `850 ms`, `4 min 12 s`, `3 h 5 min`, `2 d 4 h`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  const seconds = Math.round(durationMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  const pair = (big: number, bigUnit: string, small: number, smallUnit: string) =>
    small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;
  if (seconds < 3600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(seconds / 60);
  if (minutes < 1440) return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = Math.round(minutes / 60);
  return pair(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

/** Epoch milliseconds as an RFC 3339 time in UTC, `2001-03-04T05:06:07.008Z`. */
export function formatTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

/**
 * Reads an RFC 3339 time, a date (`2001-03-04`, midnight UTC) or a time without offset (taken as UTC) and
 * returns epoch milliseconds. Throws `invalid_time`, naming the field.
 */
export function parseTime(text: string, field = 'time'): number {
  const match =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)\s*(Z|[+-]\d{2}:?\d{2})?)?$/i.exec(
      text.trim(),
    );
  if (!match) throw fail('invalid_time', { field, value: text });
  const [, date, clock = '00:00:00', zone = 'Z'] = match;
  const value = Date.parse(`${date}T${clock}${zone.toUpperCase()}`);
  // Date.parse takes 30 February for a day of March.
  if (Number.isNaN(value) || new Date(`${date}T00:00:00Z`).getUTCDate() !== Number(date?.slice(8)))
    throw fail('invalid_time', { field, value: text });
  return value;
}

/** The years 0000 to 9999, as RFC 3339 can write them: no other number is a time. */
export const firstTimeMs = Date.parse('0000-01-01T00:00:00Z');
export const lastTimeMs = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * A number as epoch milliseconds, rounded. Throws `invalid_time`, naming the field, for what is none: such a number is
 * mostly in microseconds or nanoseconds.
 */
export function epochMs(value: number, field: string): number {
  const timeMs = Math.round(value);
  if (timeMs >= firstTimeMs && timeMs <= lastTimeMs) return timeMs;
  throw fail('invalid_time', { field, value: `${value} (as epoch milliseconds)` });
}

/** Where the present time comes from; tests and replays hand in their own. */
export interface Clock {
  nowMs(): number;
}

/** The clock of the machine. Tests and replays bring clocks of their own. */
export const wallClock: Clock = { nowMs: () => Date.now() };
