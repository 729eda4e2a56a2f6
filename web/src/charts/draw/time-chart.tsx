import { Table2 } from 'lucide-react';
import { type ReactNode, useId, useMemo, useState } from 'react';
import { IconButton } from '../../kit/button.tsx';
import { formatDay, formatMoment, plural } from '../../kit/format.ts';
import { Estimate } from '../../kit/number.tsx';
import { Scroll } from '../../kit/scroll.tsx';
import { EventTimeMark } from '../../kit/time.tsx';
import { prepareTimeChart, samplesAt, type TimeChartInput, type TimeSeries } from '../prepare/time-chart.ts';
import { BottomAxis, Hairline, Hatches, MarkStrip, ValueAxis } from './frame.tsx';
import { useHover } from './hover.tsx';
import { TimePlot } from './time-plot.tsx';
import { useWidth } from './use-width.ts';

/** A chart's title row: what and in which unit, then the readout, then the way to the table. */
export function ChartHead(props: {
  readonly title: string;
  /** Along the wall clock and not event time, which is marked. */
  readonly wallClock?: boolean;
  readonly children?: ReactNode;
  readonly table?: boolean;
  readonly onTable?: () => void;
}) {
  return (
    <div className="flex min-h-7 flex-wrap items-center gap-x-4 gap-y-1">
      <h3 className="inline-flex items-center gap-1.5">
        {props.title} {!props.wallClock && <EventTimeMark />}
      </h3>
      {props.children}
      {props.onTable && (
        <IconButton
          label={props.table ? 'Show as a chart' : 'Show as a table'}
          className="ml-auto"
          aria-pressed={props.table}
          onClick={props.onTable}
        >
          <Table2 size={14} aria-hidden />
        </IconButton>
      )}
    </div>
  );
}

/** A line per series over event time with interval bands, gaps, hatches, marks and a shared hairline. */
export function TimeChart(
  props: Omit<TimeChartInput, 'width' | 'height'> & {
    readonly title: string;
    readonly height?: number;
    readonly empty: ReactNode;
    readonly format?: (value: number) => string;
  },
) {
  const { title, height = 190, empty, format, series, marks, levels, fromZero, atLeast, domain } = props;
  const clip = useId();
  const [box, width] = useWidth<HTMLDivElement>();
  const [table, setTable] = useState(false);
  const [hover, setHover] = useHover();
  const chart = useMemo(
    () =>
      width === 0
        ? null
        : prepareTimeChart({
            series,
            fromZero,
            width,
            height,
            ...(marks ? { marks } : {}),
            ...(levels ? { levels } : {}),
            ...(atLeast === undefined ? {} : { atLeast }),
            ...(domain ? { domain } : {}),
          }),
    [series, marks, levels, fromZero, atLeast, domain, width, height],
  );
  const read = chart && hover !== null ? samplesAt(chart.samples, hover) : [];
  const snapped = read[0]?.atMs ?? hover;
  return (
    <figure ref={box} className="min-w-0">
      <ChartHead title={title} table={table} onTable={() => setTable(!table)}>
        <Readout series={series} read={read} {...(format ? { format } : {})} />
      </ChartHead>
      {width > 0 && !chart && <div className="py-6 text-muted">{empty}</div>}
      {chart && table && <SeriesTable series={series} />}
      {chart && !table && (
        <TimePlot {...{ width, height, chart }} label={describe(title, series)} onHover={setHover}>
          <ValueAxis plot={chart.plot} ticks={chart.yTicks} />
          <Hatches plot={chart.plot} hatches={chart.hatches} />
          {chart.levels.map((level) => (
            <g key={level.label}>
              <line
                x1={chart.plot.x}
                x2={chart.plot.x + chart.plot.width}
                y1={level.y}
                y2={level.y}
                stroke="var(--faint)"
                strokeDasharray="2 3"
              />
            </g>
          ))}
          <clipPath id={clip}>
            <rect x={chart.plot.x} y={chart.plot.y} width={chart.plot.width} height={chart.plot.height} />
          </clipPath>
          {chart.lines.map((line) => (
            <g key={line.id} clipPath={`url(#${clip})`}>
              {line.bands.map((band) => (
                <path key={band} d={band} fill={line.colour} opacity="0.18" />
              ))}
              {line.paths.map((path) => (
                <path
                  key={path}
                  d={path}
                  fill="none"
                  stroke={line.colour}
                  strokeWidth="1.75"
                  strokeDasharray={line.dash || undefined}
                  strokeLinejoin="round"
                />
              ))}
              {line.dots.map((dot) => (
                <circle key={dot.x} cx={dot.x} cy={dot.y} r="2.5" fill={line.colour} />
              ))}
            </g>
          ))}
          {chart.levels.map((level) => (
            <text
              key={level.label}
              x={chart.plot.x + chart.plot.width}
              y={level.labelY}
              textAnchor="end"
              className="axis-text"
            >
              {level.label}
            </text>
          ))}
          <MarkStrip plot={chart.plot} marks={chart.marks} />
          <BottomAxis
            plot={chart.plot}
            ticks={chart.xTicks}
            avoid={snapped === null ? null : chart.xOf(snapped)}
          />
          {snapped !== null && (
            <Hairline plot={chart.plot} x={chart.xOf(snapped)} atMs={read[0]?.point.startMs ?? snapped} />
          )}
          {read.map((sample) => (
            <circle
              key={sample.series}
              cx={sample.x}
              cy={sample.y}
              r="3.5"
              fill={colourOf(series, sample.series)}
              stroke="var(--surface)"
              strokeWidth="1.5"
            />
          ))}
        </TimePlot>
      )}
    </figure>
  );
}

const DAY_MS = 86_400_000;

const colourOf = (series: readonly TimeSeries[], id: string): string =>
  series.find((each) => each.id === id)?.colour ?? 'var(--text)';

function describe(title: string, series: readonly TimeSeries[]): string {
  const points = series.flatMap((each) => each.points).filter((point) => point.value !== null);
  const first = points[0];
  const last = points.at(-1);
  if (!first || !last) return `${title}: no values`;
  return `${title}: ${plural(points.length, 'window')} from ${formatDay(first.startMs)} to ${formatDay(last.endMs)}. The table view has the values.`;
}

/** Direct labels; while hovering they hold the values at that moment, so nothing covers the lines. */
function Readout(props: {
  readonly series: readonly TimeSeries[];
  readonly read: ReturnType<typeof samplesAt>;
  readonly format?: (value: number) => string;
}) {
  return (
    <span className="flex flex-wrap items-center gap-x-4 text-label">
      {props.series.map((each) => {
        const sample = props.read.find((one) => one.series === each.id);
        if (props.read.length > 0 && !sample) return null;
        return (
          <span key={each.id} className="inline-flex items-center gap-1.5">
            <svg width="14" height="8" aria-hidden="true">
              <line
                x1="0"
                x2="14"
                y1="4"
                y2="4"
                stroke={each.colour}
                strokeWidth="2.5"
                strokeDasharray={each.dash || undefined}
              />
            </svg>
            <span className="text-muted">{each.label}</span>
            {sample &&
              (props.format ? (
                <span>{props.format(sample.point.value ?? Number.NaN)}</span>
              ) : (
                <Estimate
                  value={sample.point.value}
                  low={sample.point.low ?? null}
                  high={sample.point.high ?? null}
                />
              ))}
            {sample?.point.of && <span className="text-faint">{sample.point.of}</span>}
          </span>
        );
      })}
    </span>
  );
}

function SeriesTable(props: { readonly series: readonly TimeSeries[] }) {
  const isByDay = props.series.every(({ points }) => points.every(({ startMs }) => startMs % DAY_MS === 0));
  return (
    <Scroll label="Values" className="max-h-64">
      <table className="w-full text-left">
        <thead className="text-label text-muted">
          <tr>
            <th className="py-1 pr-4 font-normal">Window from, UTC</th>
            <th className="pr-4 font-normal">Series</th>
            <th className="pr-4 font-normal">Value</th>
            <th className="font-normal">Measured on</th>
          </tr>
        </thead>
        <tbody>
          {props.series.flatMap((each) =>
            each.points.map((point) => (
              <tr key={`${each.id}${point.startMs}`} className="border-line border-t">
                <td className="py-1 pr-4 whitespace-nowrap">
                  {isByDay ? formatDay(point.startMs) : formatMoment(point.startMs)}
                </td>
                <td className="pr-4">{each.label}</td>
                <td className="pr-4">
                  <Estimate value={point.value} low={point.low ?? null} high={point.high ?? null} />
                </td>
                <td className="text-muted">{point.of ?? ''}</td>
              </tr>
            )),
          )}
        </tbody>
      </table>
    </Scroll>
  );
}
