import { extent, tickCount, timeTicks, valueTicks } from './ticks.ts';
import { placeMarks, type TimeMark } from './time-chart.ts';

/** Requests of one window by who answered, or their shares; windows may be of different lengths. */
export type StackedWindow = {
  readonly startMs: number;
  readonly endMs: number;
  readonly parts: readonly { readonly id: string; readonly count: number }[];
};

/** Bars of counts per window, stacked in the order of `order`; the y axis starts at zero. null without data. */
export function prepareStackedBars(input: {
  readonly windows: readonly StackedWindow[];
  readonly order: readonly string[];
  readonly marks?: readonly TimeMark[];
  readonly domain?: readonly [number, number];
  /** Bars stand apart unless they are one course that changes from time to time. */
  readonly joined?: boolean;
  readonly width: number;
  readonly height: number;
}) {
  const { windows, order, width, height, joined = false } = input;
  const span = input.domain ?? extent(windows.flatMap((window) => [window.startMs, window.endMs]));
  if (!span || span[0] === span[1] || windows.length === 0) return null;
  const total = (window: StackedWindow): number => window.parts.reduce((sum, part) => sum + part.count, 0);
  const axis = valueTicks(0, Math.max(1, ...windows.map(total)), true, height < 140 ? 2 : 4);
  const plot = { x: 44, y: 8, width: Math.max(40, width - 56), height: height - 8 - 34 };
  const xOf = (ms: number): number => plot.x + ((ms - span[0]) / (span[1] - span[0])) * plot.width;
  const yOf = (value: number): number => plot.y + (1 - value / axis.high) * plot.height;
  const bars = windows.flatMap((window) => {
    const x = xOf(window.startMs);
    const slot = xOf(window.endMs) - x;
    const barWidth = slot > 4 && !joined ? slot - 1 : slot;
    let below = 0;
    return order.flatMap((id) => {
      const count = window.parts.find((part) => part.id === id)?.count ?? 0;
      if (count === 0) return [];
      const y = yOf(below + count);
      const bar = { id, x, y, width: barWidth, height: yOf(below) - y, startMs: window.startMs, count };
      below += count;
      return [bar];
    });
  });
  return {
    plot,
    domain: span,
    bars,
    xTicks: timeTicks(span[0], span[1], tickCount(plot.width)).map((tick) => ({
      at: xOf(tick.value),
      text: tick.text,
    })),
    yTicks: axis.ticks.map((tick) => ({ at: yOf(tick.value), text: tick.text })),
    marks: placeMarks(
      (input.marks ?? []).filter((mark) => mark.atMs >= span[0] && mark.atMs <= span[1]),
      plot,
      xOf,
    ),
    xOf,
    timeAt: (x: number): number => span[0] + ((x - plot.x) / plot.width) * (span[1] - span[0]),
  };
}
