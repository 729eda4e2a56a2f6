/** Labels by day of the prediction as windows of two charts: who is labelled, and how late. Pure. */
import type { StackedWindow } from './stacked-bars.ts';
import type { WindowPoint } from './time-chart.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

type Quantiles = { readonly p50: number; readonly p95: number };
type LabelDay = {
  /** `2001-02-01`, UTC. */
  readonly day: string;
  readonly labelled: number;
  readonly missing: number;
  readonly delayMs: Quantiles | null;
};

type LabelDays = {
  readonly counts: readonly StackedWindow[];
  readonly half: readonly WindowPoint[];
  readonly most: readonly WindowPoint[];
  /** What the delays are written in: hours while they are short, else days. */
  readonly unit: 'h' | 'd';
};

/** A day without predictions has no bar, and no delay: the line has a gap there. */
export function prepareLabelDays(days: readonly LabelDay[]): LabelDays {
  const longestMs = Math.max(0, ...days.map((day) => day.delayMs?.p95 ?? 0));
  const [unit, unitMs] = longestMs > 3 * DAY_MS ? (['d', DAY_MS] as const) : (['h', HOUR_MS] as const);
  const windows = days.map((day) => {
    const startMs = Date.parse(`${day.day}T00:00:00Z`);
    return { ...day, startMs, endMs: startMs + DAY_MS };
  });
  const delays = (quantile: keyof Quantiles): readonly WindowPoint[] =>
    windows.map(({ startMs, endMs, delayMs, labelled }) => ({
      startMs,
      endMs,
      value: delayMs === null ? null : delayMs[quantile] / unitMs,
      of: `${labelled} labels`,
    }));
  return {
    counts: windows.map(({ startMs, endMs, labelled, missing }) => ({
      startMs,
      endMs,
      parts: [
        { id: 'labelled', count: labelled },
        { id: 'missing', count: missing },
      ],
    })),
    half: delays('p50'),
    most: delays('p95'),
    unit,
  };
}
