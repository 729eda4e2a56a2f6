import { useMemo } from 'react';
import { formatCount, formatNumber, plural } from '../../kit/format.ts';
import { prepareStackedBars, type StackedWindow } from '../prepare/stacked-bars.ts';
import type { TimeMark } from '../prepare/time-chart.ts';
import { BottomAxis, Hairline, MarkStrip, ValueAxis } from './frame.tsx';
import { useHover } from './hover.tsx';
import { ChartHead } from './time-chart.tsx';
import { TimePlot } from './time-plot.tsx';
import { useWidth } from './use-width.ts';

type TrafficPart = { readonly id: string; readonly label: string; readonly colour: string };

/** Who answered how many requests per window, or what share of them: bars stacked by version. */
export function TrafficChart(props: {
  readonly title: string;
  /** One course along the wall clock, not windows of event time. */
  readonly wallClock?: boolean;
  readonly windows: readonly StackedWindow[];
  readonly parts: readonly TrafficPart[];
  readonly marks?: readonly TimeMark[];
  readonly domain?: readonly [number, number];
  readonly height?: number;
}) {
  const { title, wallClock = false, windows, parts, marks, domain, height = 130 } = props;
  const [box, width] = useWidth<HTMLDivElement>();
  const [hover, setHover] = useHover();
  const chart = useMemo(
    () =>
      width === 0
        ? null
        : prepareStackedBars({
            windows,
            order: parts.map((part) => part.id),
            width,
            height,
            joined: wallClock,
            ...(marks ? { marks } : {}),
            ...(domain ? { domain } : {}),
          }),
    [windows, parts, marks, domain, wallClock, width, height],
  );
  // Behind what is compared with it the first part is faint; of a course each has its own colour.
  const faint = wallClock ? undefined : parts[0]?.id;
  const read =
    hover === null ? undefined : windows.find((window) => hover >= window.startMs && hover < window.endMs);
  return (
    <figure ref={box} className="min-w-0">
      <ChartHead title={title} wallClock={wallClock}>
        <span className="flex flex-wrap items-center gap-x-4 text-label">
          {parts.map((part) => {
            const count = read?.parts.find((each) => each.id === part.id)?.count;
            if (read && !count) return null;
            return (
              <span key={part.id} className="inline-flex items-center gap-1.5">
                <svg width="10" height="10" aria-hidden="true">
                  <rect
                    width="10"
                    height="10"
                    rx="1.5"
                    fill={part.colour}
                    opacity={part.id === faint ? 0.45 : 1}
                  />
                </svg>
                <span className="text-muted">{part.label}</span>
                {count !== undefined &&
                  (Number.isInteger(count) ? formatCount(count) : formatNumber(count, 1))}
              </span>
            );
          })}
        </span>
      </ChartHead>
      {chart && (
        <TimePlot
          {...{ width, height, chart }}
          label={`${title}: ${plural(windows.length, 'window')}`}
          onHover={setHover}
        >
          <ValueAxis plot={chart.plot} ticks={chart.yTicks} />
          {chart.bars.map((bar) => (
            <rect
              key={`${bar.id}${bar.startMs}`}
              x={bar.x}
              y={bar.y}
              width={bar.width}
              height={bar.height}
              shapeRendering="crispEdges"
              fill={parts.find((part) => part.id === bar.id)?.colour}
              opacity={bar.id === faint ? (read?.startMs === bar.startMs ? 0.75 : 0.4) : 1}
            />
          ))}
          <MarkStrip plot={chart.plot} marks={chart.marks} />
          <BottomAxis
            plot={chart.plot}
            ticks={chart.xTicks}
            avoid={hover === null ? null : chart.xOf(hover)}
          />
          {hover !== null && (
            <Hairline
              plot={chart.plot}
              x={chart.xOf(read ? (read.startMs + read.endMs) / 2 : hover)}
              atMs={read?.startMs ?? hover}
            />
          )}
        </TimePlot>
      )}
    </figure>
  );
}
