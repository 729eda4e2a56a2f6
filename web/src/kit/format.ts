/** How numbers and times are written everywhere. Pure; the narrow no-break space separates thousands. */

const THIN = '\u202f';
const MINUS = '\u2212';

/** A whole number with grouped thousands. NaN and infinities are a dash: missing is never zero. */
export function formatCount(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const digits = Math.abs(Math.round(value)).toString();
  const grouped = digits.replace(/\B(?=(\d{3})+(?!\d))/g, THIN);
  return value < 0 && digits !== '0' ? MINUS + grouped : grouped;
}

/** Three significant digits unless `decimals` says more are certain. */
export function formatNumber(value: number | null | undefined, decimals?: number): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size >= 1e15 || (decimals === undefined && size !== 0 && (size < 1e-4 || size >= 1e9))) {
    return value.toExponential(2).replaceAll('-', MINUS).replace('e+', 'e');
  }
  const places = decimals ?? (size === 0 ? 0 : Math.max(0, Math.min(6, 2 - Math.floor(Math.log10(size)))));
  const fixed = size.toFixed(places);
  const [whole = '0', fraction] = fixed.split('.');
  const kept = decimals === undefined ? fraction?.replace(/0+$/, '') : fraction;
  const text = whole.replace(/\B(?=(\d{3})+(?!\d))/g, THIN) + (kept ? `.${kept}` : '');
  return value < 0 && Number(fixed) !== 0 ? MINUS + text : text;
}

/** Decimals that an interval's half-width leaves meaningful: one digit of it, two if it starts with 1. */
export function decimalsFor(halfWidth: number): number {
  if (!Number.isFinite(halfWidth) || halfWidth <= 0) return 3;
  const exponent = Math.floor(Math.log10(halfWidth));
  const lead = halfWidth / 10 ** exponent;
  return Math.max(0, Math.min(6, -exponent + (lead < 1.95 ? 1 : 0)));
}

/** `0.713` and `0.006` for a value and its interval; the half-width is the wider side. */
export function formatInterval(value: number, low: number, high: number): { value: string; half: string } {
  const half = Math.max(value - low, high - value);
  const decimals = decimalsFor(half);
  return { value: formatNumber(value, decimals), half: formatNumber(half, decimals) };
}

/** A difference with its sign always shown. */
export function formatSigned(value: number, decimals?: number): string {
  if (!Number.isFinite(value)) return '–';
  const text = formatNumber(Math.abs(value), decimals);
  if (Number(text.replaceAll(THIN, '')) === 0) return text;
  return (value > 0 ? '+' : MINUS) + text;
}

/** A ratio as percent: 0.0213 -> `2.1 %`. What is neither none nor all is never written as `0 %` or `100 %`. */
export function formatPercent(ratio: number | null | undefined, decimals?: number): string {
  if (ratio === null || ratio === undefined || !Number.isFinite(ratio)) return '–';
  const percent = ratio * 100;
  if (decimals === undefined && percent > 0 && percent < 0.005) return `<0.01${THIN}%`;
  if (decimals === undefined && percent < 100 && percent >= 99.995) return `>99.99${THIN}%`;
  const places = decimals ?? percentPlaces(Math.abs(percent));
  const text = formatNumber(percent, places);
  return `${decimals === undefined ? text.replace(/\.0+$/, '') : text}${THIN}%`;
}

function percentPlaces(size: number): number {
  if (size >= 99.5 && size < 100) return size >= 99.95 ? 2 : 1;
  return size >= 10 ? 0 : size >= 1 ? 1 : 2;
}

const SPANS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];

/** A duration in at most two units: `4 min 12 s`, `380 ms`, `3 d 4 h`; from two years on in years. */
export function formatDuration(durationMs: number | null | undefined): string {
  if (durationMs === null || durationMs === undefined || !Number.isFinite(durationMs)) return '–';
  const total = Math.abs(durationMs);
  if (total < 1000)
    return `${formatNumber(total, total < 10 && total !== Math.round(total) ? 1 : 0)}${THIN}ms`;
  if (total < 10_000) return `${formatNumber(total / 1000, 1)}${THIN}s`;
  if (total >= 730 * 86_400_000) return `${formatNumber(total / (365.25 * 86_400_000), 1)}${THIN}years`;
  const parts: string[] = [];
  let rest = Math.round(total / 1000) * 1000;
  for (const [unit, sizeMs] of SPANS) {
    const amount = Math.floor(rest / sizeMs);
    if (amount === 0) {
      if (parts.length > 0) break;
      continue;
    }
    parts.push(`${amount}${THIN}${unit}`);
    rest -= amount * sizeMs;
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}

/** Bytes in decimal units. */
export function formatBytes(sizeBytes: number | null | undefined): string {
  if (sizeBytes === null || sizeBytes === undefined || !Number.isFinite(sizeBytes)) return '–';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${formatNumber(value, unit === 0 || value >= 100 ? 0 : 1)}${THIN}${units[unit]}`;
}

/** `just now`, `12 s ago`, `3 d ago`, `in 2 h`; one unit only. */
export function formatRelative(atMs: number, nowMs: number): string {
  const delta = nowMs - atMs;
  const size = Math.abs(delta);
  if (size < 5000) return 'just now';
  const span = SPANS.find(([, sizeMs]) => size >= sizeMs) ?? SPANS[3];
  const [unit, sizeMs] = span ?? ['s', 1000];
  const text = `${Math.floor(size / sizeMs)}${THIN}${unit}`;
  return delta >= 0 ? `${text} ago` : `in ${text}`;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const pad = (value: number): string => String(value).padStart(2, '0');

/** UTC date: `Mar 3`, with the year when it differs from `thisYear`. */
export function formatDay(atMs: number, thisYear?: number): string {
  const date = new Date(atMs);
  if (Number.isNaN(date.getTime())) return '–';
  const text = `${MONTHS[date.getUTCMonth()]} ${date.getUTCDate()}`;
  return thisYear === undefined || date.getUTCFullYear() === thisYear
    ? text
    : `${text}, ${date.getUTCFullYear()}`;
}

/** UTC date and time of a sample: `2001-03-03 14:05`; seconds when `seconds` is set. */
export function formatMoment(atMs: number, seconds = false): string {
  const date = new Date(atMs);
  if (Number.isNaN(date.getTime())) return '–';
  const day = `${date.getUTCFullYear()}-${pad(date.getUTCMonth() + 1)}-${pad(date.getUTCDate())}`;
  const clock = `${pad(date.getUTCHours())}:${pad(date.getUTCMinutes())}`;
  return `${day} ${clock}${seconds ? `:${pad(date.getUTCSeconds())}` : ''}`;
}

/**
 * A moment in full: UTC to the second, and on a second line what the reader's own clock said then, unless that is UTC.
 * `offsetMinutes` is how far that clock is ahead of UTC, by default this machine's at that moment.
 */
export function formatMomentInFull(
  atMs: number,
  offsetMinutes = -new Date(atMs).getTimezoneOffset(),
): string {
  const utc = `${formatMoment(atMs, true)} UTC`;
  return offsetMinutes === 0 || Number.isNaN(offsetMinutes)
    ? utc
    : `${utc}\n${formatMoment(atMs + offsetMinutes * 60_000, true)} by your clock`;
}

const DAY_MS = 86_400_000;

/** When something began, UTC: the date, and the time of day unless that is midnight. */
export const formatStart = (atMs: number): string =>
  atMs % DAY_MS === 0 ? formatDay(atMs) : formatMoment(atMs);

/** The first ten hexadecimal digits of a digest or the tail of a UUID: enough to tell, short enough to read. */
export function shortId(id: string): string {
  const hex = id.startsWith('sha256:') ? id.slice(7) : id;
  if (/^[0-9a-f]{64}$/.test(hex)) return hex.slice(0, 10);
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-/.test(hex)) return hex.slice(-8);
  return hex.length > 14 ? hex.slice(0, 12) : hex;
}

/** A feature's value as it was recorded; of a number with more digits than anybody reads the first six. */
export function shortValue(value: string): string {
  if (value.length <= 9 || value.trim() === '' || !Number.isFinite(Number(value)) || !value.includes('.'))
    return value;
  return String(Number(Number(value).toPrecision(6))).replace('-', MINUS);
}

/** `1 label`, `2 labels`; the plural is the singular plus s unless given. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}
