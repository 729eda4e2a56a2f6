/** Axis ticks. Pure: numbers in, numbers and texts out. */

export type Tick = { readonly value: number; readonly text: string };

/** Extent of the finite numbers; null when there is none. */
export function extent(values: Iterable<number | null | undefined>): readonly [number, number] | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value === null || value === undefined || !Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

/** The step of 1, 2, 2.5 or 5 times a power of ten that cuts `span` into at most `count` parts. */
export function niceStep(span: number, count: number): number {
  if (!(span > 0)) return 1;
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const lead = rough / power;
  const step = lead <= 1 ? 1 : lead <= 2 ? 2 : lead <= 2.5 ? 2.5 : lead <= 5 ? 5 : 10;
  return step * power;
}

/**
 * About `count` steps from `low` to `high` and the widened range that ends on them. `fromZero` is for counts and
 * rates; scores keep their own range. A flat series gets a range of a tenth round its value.
 */
export function valueTicks(
  low: number,
  high: number,
  fromZero: boolean,
  count = 4,
): { ticks: readonly Tick[]; low: number; high: number } {
  let from = fromZero ? Math.min(0, low) : low;
  let to = fromZero ? Math.max(0, high) : high;
  if (from === to) {
    const pad = Math.abs(from) * 0.1 || 1;
    from = fromZero ? from : from - pad;
    to += pad;
  }
  const step = niceStep(to - from, count);
  const first = Math.floor(from / step + 1e-9);
  const last = Math.ceil(to / step - 1e-9);
  const decimals = Math.max(
    0,
    Math.min(
      8,
      -Math.floor(Math.log10(step) + 1e-9) +
        (Math.abs(step / 10 ** Math.floor(Math.log10(step)) - 2.5) < 1e-6 ? 1 : 0),
    ),
  );
  const ticks: Tick[] = [];
  for (let index = first; index <= last; index += 1) {
    const value = index * step;
    ticks.push({ value, text: tickText(value, decimals) });
  }
  return { ticks, low: first * step, high: last * step };
}

function tickText(value: number, decimals: number): string {
  const size = Math.abs(value);
  if (size >= 1e6) return `${trim(value / 1e6)}M`;
  if (size >= 1e4) return `${trim(value / 1e3)}k`;
  return value.toFixed(decimals).replace('-', '\u2212');
}

const trim = (value: number): string =>
  value
    .toFixed(2)
    .replace(/\.?0+$/, '')
    .replace('-', '\u2212');

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const FIXED_STEPS = [
  60_000,
  5 * 60_000,
  15 * 60_000,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
];
const MONTH_STEPS = [1, 2, 3, 6, 12];

/** How many texts fit below a time chart: one for every 90 px; on a phone six at the most, closer together. */
export const tickCount = (widthPx: number): number =>
  Math.max(2, Math.floor(widthPx / 90), Math.min(6, Math.floor(widthPx / 48)));

/** UTC ticks on whole minutes, hours, days, weeks or months, at most `count` of them. */
export function timeTicks(fromMs: number, toMs: number, count: number): readonly Tick[] {
  const span = toMs - fromMs;
  if (!(span > 0) || count < 1) return [];
  const step = FIXED_STEPS.find((size) => span / size <= count);
  if (step !== undefined) {
    // Weeks start on Mondays: the epoch was a Thursday.
    const offset = step % (7 * DAY) === 0 ? 4 * DAY : 0;
    const ticks: Tick[] = [];
    for (let at = Math.ceil((fromMs - offset) / step) * step + offset; at <= toMs; at += step) {
      ticks.push({ value: at, text: fixedText(at, step) });
    }
    return ticks;
  }
  const months = MONTH_STEPS.find((size) => span / (size * 30.4 * DAY) <= count) ?? 24;
  const start = new Date(fromMs);
  const ticks: Tick[] = [];
  for (let index = start.getUTCFullYear() * 12 + start.getUTCMonth(); ; index += 1) {
    const at = Date.UTC(Math.floor(index / 12), index % 12, 1);
    if (at > toMs) return ticks;
    if (at >= fromMs && index % months === 0) {
      const month = index % 12;
      ticks.push({ value: at, text: month === 0 ? String(Math.floor(index / 12)) : (MONTHS[month] ?? '') });
    }
  }
}

function fixedText(at: number, step: number): string {
  const date = new Date(at);
  const day = `${MONTHS[date.getUTCMonth()]} ${date.getUTCDate()}`;
  if (step >= DAY || (date.getUTCHours() === 0 && date.getUTCMinutes() === 0)) return day;
  return `${String(date.getUTCHours()).padStart(2, '0')}:${String(date.getUTCMinutes()).padStart(2, '0')}`;
}
