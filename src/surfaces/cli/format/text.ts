import { formatDuration } from '../../../core/time.ts';

const dayMs = 86_400_000;
/** What stands where nothing is. */
export const none = '–';

/** When it was, as people say it: `3 min ago`; a date beyond 30 days; none for null. */
export function ago(at: string | null, nowMs: number): string {
  if (at === null) return none;
  const passedMs = nowMs - Date.parse(at);
  if (passedMs < 1000) return 'just now';
  if (passedMs > 30 * dayMs) return at.slice(0, 10);
  return `${formatDuration(passedMs).split(/(?<=[a-z]) /)[0]} ago`;
}

/** How long from one time to another, or to now while it goes on. */
export function lasted(from: string | null, to: string | null, nowMs: number): string {
  if (from === null) return none;
  return formatDuration(Math.max(0, (to === null ? nowMs : Date.parse(to)) - Date.parse(from)));
}

/** Event time to the minute, in UTC: `2001-02-03 04:05`. */
export function eventTime(at: string | null): string {
  return at === null ? none : at.slice(0, 16).replace('T', ' ');
}

/** `1 row`, `2,345 rows`. */
export function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${n.toLocaleString('en-US')} ${n === 1 ? noun : plural}`;
}

/** A ratio in percent, with at most two decimals: `0.5%`. */
export function percent(ratio: number): string {
  return `${Number((ratio * 100).toFixed(2))}%`;
}

/** The first of a digest or id, enough to tell them apart by eye. */
export function short(id: string | null): string {
  return id === null ? none : id.replace(/^sha256:/, '').slice(0, 12);
}

/** Bytes as people read them: `12.3 MB`. */
export function bytes(sizeBytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, sizeBytes)) / 3));
  const value = sizeBytes / 1000 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}

/** The line under a list that was cut. */
export function more(shown: number, next: string | null): string {
  return next === null ? '' : `\n${shown} shown; there are more (--limit).`;
}
