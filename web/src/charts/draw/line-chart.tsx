import { useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatDuration, formatMoment, formatNumber } from '../../kit/format.ts';
import { type Curve, type CurveX, seriesLook } from '../prepare/curves.ts';
import { useTheme } from './use-theme.ts';
import { useWidth } from './use-width.ts';

/** The point of each curve nearest to the pointer. */
export type CurveReading = { readonly x: number; readonly values: readonly (number | null)[] };

/**
 * Curves over a shared axis. Band: extremes; faint line: each value; strong line: the smoothed one, or each value when
 * nothing is smoothed. Dragging sideways zooms and tells the range; a double click goes back.
 */
export function LineChart(props: {
  readonly curves: readonly Curve[];
  readonly x: CurveX;
  readonly logY: boolean;
  readonly height: number;
  readonly label: string;
  /** Charts of one group show the same moment under the pointer. */
  readonly group?: string;
  readonly onZoom?: (range: readonly [number, number] | null) => void;
  readonly onRead?: (reading: CurveReading | null) => void;
  /** The curve that is looked at; the others step back. */
  readonly focus?: string | null;
}) {
  const { curves, x, logY, height, label, group, focus = null } = props;
  const [box, width] = useWidth<HTMLDivElement>();
  const target = useRef<HTMLDivElement>(null);
  const theme = useTheme();
  const calls = useRef(props);
  calls.current = props;
  const data = useMemo(() => tableOf(curves), [curves]);
  const [zoomed, setZoomed] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme changes the colours that are read from it.
  useEffect(() => {
    const element = target.current;
    if (!element || width === 0) return;
    const plot = new uPlot(
      optionsOf({ width, height, curves, x, logY, group, focus, calls, setZoomed }),
      data as uPlot.AlignedData,
      element,
    );
    return () => plot.destroy();
  }, [data, width, height, theme, x, logY, group, focus]);
  return (
    <div ref={box} className="relative min-w-0" style={{ height }}>
      <div ref={target} role="img" aria-label={label} />
      {zoomed && (
        <span className="pointer-events-none absolute top-1 right-2 rounded-control bg-surface px-1 text-faint text-label">
          double click: whole range
        </span>
      )}
    </div>
  );
}

type Column = (number | null | undefined)[];

/** One x column and, for each curve, its highs, lows, raw and smoothed values. */
function tableOf(curves: readonly Curve[]): readonly Column[] {
  const tables = curves.map(
    (curve) =>
      [
        curve.xs,
        curve.highs,
        curve.lows,
        curve.raw,
        curve.smooth ?? curve.raw,
      ] as unknown as uPlot.AlignedData,
  );
  if (tables.length === 0) return [[]];
  if (tables.length === 1) return tables[0] as unknown as readonly Column[];
  return uPlot.join(tables) as unknown as readonly Column[];
}

/** Between two ticks of an axis of steps: there is nothing between one step and the next. */
const STEP_TICKS: readonly number[] = Array.from({ length: 15 }, (_, power) =>
  [1, 2, 5].map((digit) => digit * 10 ** power),
).flat();

type Setup = {
  readonly width: number;
  readonly height: number;
  readonly curves: readonly Curve[];
  readonly x: CurveX;
  readonly logY: boolean;
  readonly group: string | undefined;
  readonly focus: string | null;
  readonly calls: { readonly current: Parameters<typeof LineChart>[0] };
  readonly setZoomed: (zoomed: boolean) => void;
};

function optionsOf(setup: Setup): uPlot.Options {
  const { curves, x, logY, group, focus, calls, setZoomed } = setup;
  const ink = (name: string): string =>
    getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const font = `11px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { stroke: ink('--faint'), font, ticks: { show: false } };
  const single = curves.length === 1;
  const many = curves.length > 6;
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  curves.forEach((curve) => {
    const look = single ? { ink: '--accent', dash: [] } : seriesLook(curve.place);
    const colour = ink(look.ink);
    const away = focus !== null && focus !== curve.id;
    const alpha = away ? 0.15 : 1;
    const at = series.length;
    const faded = (percent: number): string => `color-mix(in oklch, ${colour} ${percent}%, transparent)`;
    const hasBand = curve.hasBand && !away && curves.length <= 12;
    // The edge of the band is drawn too: a single spike among thousands of points is a pixel wide.
    const edge: uPlot.Series = {
      stroke: hasBand ? faded(40) : 'transparent',
      width: 0.75,
      points: { show: false },
      spanGaps: false,
    };
    const showsRaw = curve.smooth !== null;
    series.push(
      edge,
      edge,
      {
        stroke: showsRaw ? faded(30) : 'transparent',
        width: 1,
        alpha,
        points: { show: false },
        spanGaps: false,
      },
      {
        stroke: colour,
        width: many && focus !== curve.id ? 1.25 : 1.75,
        alpha,
        dash: [...look.dash],
        points: { show: curve.xs.length < (single ? 40 : 12), size: 5, fill: colour },
        spanGaps: false,
      },
    );
    if (hasBand) bands.push({ series: [at, at + 1], fill: faded(single ? 18 : 12) });
  });
  return {
    width: setup.width,
    height: setup.height,
    padding: [8, 24, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: curves.length <= 12, size: 6 },
      drag: { x: true, y: false, setScale: true },
      ...(group === undefined ? {} : { sync: { key: group, setSeries: false } }),
    },
    scales: {
      x: { time: false },
      y: logY ? { distr: 3 } : { range: (_plot, low, high) => paddedRange(low, high) },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 26,
        space: x === 'time' ? 110 : 56,
        ...(x === 'step' ? { incrs: [...STEP_TICKS] } : {}),
        values: (_plot, ticks) => ticks.map((tick) => xText(tick, x)),
      },
      {
        ...axis,
        grid: { stroke: ink('--line'), width: 1 },
        size: 54,
        space: 30,
        values: (_plot, ticks) => ticks.map((tick) => (tick === null ? '' : formatNumber(tick))),
      },
    ],
    series,
    bands,
    hooks: {
      setCursor: [
        (plot) => {
          const { idx } = plot.cursor;
          const at = idx === null || idx === undefined ? undefined : plot.data[0][idx];
          calls.current.onRead?.(
            at === undefined || (plot.cursor.left ?? -1) < 0
              ? null
              : { x: at, values: curves.map((_, index) => valueNear(plot, index, idx ?? 0)) },
          );
        },
      ],
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return;
          const range = [
            plot.posToVal(plot.select.left, 'x'),
            plot.posToVal(plot.select.left + plot.select.width, 'x'),
          ] as const;
          setZoomed(true);
          calls.current.onZoom?.(range);
        },
      ],
      ready: [
        (plot) => {
          plot.over.addEventListener('dblclick', () => {
            setZoomed(false);
            calls.current.onZoom?.(null);
          });
        },
      ],
    },
  };
}

/** The curve's last value at or before the pointer: curves of other runs have points at other places. */
function valueNear(plot: uPlot, curve: number, index: number): number | null {
  const column = plot.data[4 + curve * 4];
  for (let at = index; column && at >= 0; at -= 1) {
    const value = column[at];
    if (value !== undefined) return value;
  }
  return null;
}

function paddedRange(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  const pad = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
  return [low - pad, high + pad];
}

/** A place on the x axis, in words. */
export function xText(value: number, x: CurveX): string {
  if (x === 'time') return formatMoment(value * 1000);
  if (x === 'relative') return value === 0 ? '0' : formatDuration(value * 1000);
  return formatNumber(value, Number.isInteger(value) ? 0 : undefined);
}
