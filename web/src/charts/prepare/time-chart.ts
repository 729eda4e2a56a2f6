import { bandPath, linePath, runsOf } from './paths.ts';
import { extent, type Tick, tickCount, timeTicks, valueTicks } from './ticks.ts';

/** One window of event time with what was measured in it. null = not measured, drawn as a gap. */
export type WindowPoint = {
  readonly startMs: number;
  readonly endMs: number;
  readonly value: number | null;
  readonly low?: number | null;
  readonly high?: number | null;
  /** False while labels are still coming: the window is hatched. */
  readonly mature?: boolean;
  /** What it was measured on, for the readout. */
  readonly of?: string;
};

export type TimeSeries = {
  readonly id: string;
  readonly label: string;
  readonly colour: string;
  readonly dash?: string;
  readonly points: readonly WindowPoint[];
};

export type MarkKind = 'promotion' | 'retraining' | 'rejection' | 'rollback' | 'incident';
export type TimeMark = {
  readonly atMs: number;
  readonly kind: MarkKind;
  readonly text: string;
  readonly label?: string;
};

export type TimeChartInput = {
  readonly series: readonly TimeSeries[];
  readonly marks?: readonly TimeMark[];
  /** A horizontal line to compare with, for instance the reference of the model. */
  readonly levels?: readonly { readonly value: number; readonly label: string }[];
  /** Counts and rates start at zero; scores do not. */
  readonly fromZero: boolean;
  /** The axis reaches at least this high, so that a flat line at zero does not look like a peak. */
  readonly atLeast?: number;
  readonly domain?: readonly [number, number];
  readonly width: number;
  readonly height: number;
};

export type Sample = {
  readonly series: string;
  readonly x: number;
  readonly y: number;
  readonly atMs: number;
  readonly point: WindowPoint;
};

const LEFT = 44;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 34;

/** Where everything of a chart over event time lies. `null` when there is nothing to draw. */
export function prepareTimeChart(input: TimeChartInput) {
  const all = input.series.flatMap((series) => series.points);
  const span =
    input.domain ?? extent([...all.map((point) => point.startMs), ...all.map((point) => point.endMs)]);
  const range = valueRange(input);
  const values = range?.values;
  if (!span || !range || !values || span[0] === span[1]) return null;
  const shown = (series: TimeSeries): readonly WindowPoint[] =>
    series.points.filter(
      (point) => point.value !== null && (series === input.series[0] || range.isKnown(point)),
    );
  const axis = valueTicks(values[0], Math.max(values[1], input.atLeast ?? values[1]), input.fromZero);
  const plot = {
    x: LEFT,
    y: TOP,
    width: Math.max(40, input.width - LEFT - RIGHT),
    height: input.height - TOP - BOTTOM,
  };
  const xOf = (ms: number): number => plot.x + ((ms - span[0]) / (span[1] - span[0])) * plot.width;
  const yOf = (value: number): number =>
    plot.y + (1 - (value - axis.low) / (axis.high - axis.low)) * plot.height;

  const lines = input.series.map((series) => {
    const samples = shown(series);
    const runs = runsOf(
      samples,
      (before, after) => after.startMs - before.endMs > (before.endMs - before.startMs) * 0.5,
    );
    const placed = runs.map((run) =>
      run.map((point) => ({ point, x: xOf(middle(point)), y: yOf(point.value ?? 0) })),
    );
    return {
      id: series.id,
      label: series.label,
      colour: series.colour,
      dash: series.dash ?? '',
      paths: placed.filter((run) => run.length > 1).map(linePath),
      dots: placed.filter((run) => run.length === 1).flatMap((run) => run.map(({ x, y }) => ({ x, y }))),
      bands: placed
        .map((run) =>
          run.flatMap(({ point, x }) =>
            typeof point.low === 'number' && typeof point.high === 'number'
              ? [{ x, low: yOf(point.low), high: yOf(point.high) }]
              : [],
          ),
        )
        .filter((run) => run.length > 0)
        .map(bandPath),
    };
  });

  const samples: Sample[] = input.series.flatMap((series) =>
    shown(series).map((point) => ({
      series: series.id,
      x: xOf(middle(point)),
      y: yOf(point.value ?? 0),
      atMs: middle(point),
      point,
    })),
  );
  const inside = (ms: number): boolean => ms >= span[0] && ms <= span[1];
  return {
    plot,
    domain: span,
    xTicks: timeTicks(span[0], span[1], tickCount(plot.width)).map((tick) => place(tick, xOf)),
    yTicks: axis.ticks.map((tick) => place(tick, yOf)),
    lines,
    levels: (input.levels ?? []).map((level) => {
      const y = yOf(level.value);
      return { label: level.label, y, labelY: labelBeside(y, samples, plot) };
    }),
    hatches: mergeImmature(all).map(([from, to]) => ({ x: xOf(from), width: xOf(to) - xOf(from) })),
    marks: placeMarks(
      (input.marks ?? []).filter((mark) => inside(mark.atMs)),
      plot,
      xOf,
    ),
    samples: samples.toSorted((a, b) => a.atMs - b.atMs),
    xOf,
    timeAt: (x: number): number => span[0] + ((x - plot.x) / plot.width) * (span[1] - span[0]),
  };
}

/**
 * The range of the value axis, and which points of the other series are known well enough to be drawn. The first
 * series rules: a challenger with a handful of labels has an interval that would flatten everything else and says
 * nothing beside it, so it is left to the table.
 */
function valueRange(input: TimeChartInput) {
  const measured = (series: TimeSeries | undefined) =>
    (series?.points ?? []).filter((point) => point.value !== null);
  const levels = (input.levels ?? []).map((level) => level.value);
  const ends = (points: readonly WindowPoint[]) =>
    points.flatMap((point) => [point.value, point.low, point.high]);
  const floor = input.atLeast === undefined ? [] : [0, input.atLeast];
  const first = extent([...ends(measured(input.series[0])), ...levels, ...floor]);
  const others = input.series.slice(1).flatMap(measured);
  const reach = first ? Math.max(first[1] - first[0], Math.abs(first[1]) * 0.05) : Number.POSITIVE_INFINITY;
  const isKnown = ({ value, low, high }: WindowPoint): boolean =>
    (high ?? value ?? 0) - (low ?? value ?? 0) <= reach * 1.5;
  const values = extent([...(first ?? []), ...levels, ...ends(others.filter(isKnown))]);
  return values && { values, isKnown };
}

const middle = (point: WindowPoint): number => (point.startMs + point.endMs) / 2;
const place = (tick: Tick, at: (value: number) => number) => ({ at: at(tick.value), text: tick.text });

/** Stretches of time in which some window is not mature yet. */
function mergeImmature(points: readonly WindowPoint[]): readonly (readonly [number, number])[] {
  const open = points.filter((point) => point.mature === false).toSorted((a, b) => a.startMs - b.startMs);
  const merged: [number, number][] = [];
  for (const point of open) {
    const last = merged.at(-1);
    if (last && point.startMs <= last[1]) last[1] = Math.max(last[1], point.endMs);
    else merged.push([point.startMs, point.endMs]);
  }
  return merged;
}

/** Per series the real sample whose window holds `atMs`; a series without one has nothing to say there. */
export function samplesAt(samples: readonly Sample[], atMs: number): readonly Sample[] {
  const held = samples.filter(({ point }) => atMs >= point.startMs && atMs < point.endMs);
  return [...new Map(held.map((sample) => [sample.series, sample])).values()];
}

const MARK_WIDTH = 10;

/**
 * Baseline of a level's label at the right end: above its line, or below it where more of the last values lie above.
 * Below the lowest tick there is no room.
 */
function labelBeside(y: number, samples: readonly Sample[], plot: Box): number {
  const last = samples.filter((sample) => sample.x > plot.x + plot.width / 2);
  const above = last.filter((sample) => sample.y <= y && sample.y > y - LABEL_PX).length;
  const below = last.filter((sample) => sample.y > y && sample.y < y + LABEL_PX).length;
  return above > below && y + LABEL_PX < plot.y + plot.height ? y + 13 : y - 5;
}

type Box = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** Room that a label takes beside its line. */
const LABEL_PX = 20;

/** Marks in time order; glyphs that would lie on top of each other stand side by side, their lines stay in place. */
export function placeMarks(
  marks: readonly TimeMark[],
  plot: { readonly x: number; readonly width: number },
  xOf: (ms: number) => number,
) {
  const sorted = marks.toSorted((a, b) => a.atMs - b.atMs);
  const apart = Math.min(MARK_WIDTH, plot.width / Math.max(1, sorted.length - 1));
  const glyphs: number[] = [];
  for (const { atMs } of sorted)
    glyphs.push(Math.max(xOf(atMs), (glyphs.at(-1) ?? Number.NEGATIVE_INFINITY) + apart));
  // Those pushed beyond the end go back, and push the ones before them.
  let limit = plot.x + plot.width;
  for (let i = glyphs.length - 1; i >= 0 && (glyphs[i] as number) > limit; i--, limit -= apart)
    glyphs[i] = limit;
  return sorted.map((mark, i) => ({ ...mark, x: xOf(mark.atMs), glyphX: glyphs[i] as number }));
}
