import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { useWidth } from '../../../charts/draw/use-width.ts';
import { EmptyLine } from '../../../kit/empty.tsx';
import { formatNumber, plural } from '../../../kit/format.ts';
import { Card, QueryView } from '../../../kit/panel.tsx';
import type { CompareSearch } from '../search.ts';
import type { SetCompare } from './compare-screen.tsx';
import { mainMetric, mainParams } from './defaults.ts';
import { type Axis, placeOn } from './differences.ts';
import { OperandField } from './operand-field.tsx';
import { operandTitle, useOperands } from './operands.ts';
import { axisTicks, fits, inkAt } from './scales.ts';
import { useKeys } from './use-keys.ts';

const HEIGHT_PX = 420;
const MARGIN = { left: 76, right: 20, top: 16, bottom: 48 };

/** One value of the runs against another: does it matter? */
export function ScatterView(props: {
  readonly runs: readonly Run[];
  readonly search: CompareSearch;
  readonly set: SetCompare;
}) {
  const { runs, search, set } = props;
  const metrics = useKeys(runs, 'metric', '', 60);
  const metric = mainMetric(metrics.keys);
  const x = search.x ?? mainParams(runs, 1)[0] ?? 'took';
  const y = search.y ?? (metric === undefined ? 'took' : `last(${metric})`);
  const colour = search.colour ?? '';
  const [logX, setLogX] = useState(false);
  const [logY, setLogY] = useState(false);
  const { query, operands } = useOperands(runs, colour ? [x, y, colour] : [x, y]);
  const [across, up, ink] = operands;
  return (
    <Card
      title={
        <span className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <OperandField label="Across" runs={runs} value={x} onChange={(next) => set({ x: next })} />
          <OperandField label="Up" runs={runs} value={y} onChange={(next) => set({ y: next })} />
          <OperandField
            label="Colour"
            runs={runs}
            value={colour}
            placeholder="none"
            onChange={(next) => set({ colour: next })}
          />
        </span>
      }
      actions={
        <span className="flex flex-wrap gap-x-4">
          <LogBox label="Log across" value={logX} onChange={setLogX} />
          <LogBox label="Log up" value={logY} onChange={setLogY} />
        </span>
      }
    >
      <QueryView query={query} rows={8}>
        {() =>
          across && up ? (
            <Plot
              runs={runs}
              across={across.axis}
              up={up.axis}
              ink={ink?.axis ?? null}
              titles={[
                operandTitle(across.column),
                operandTitle(up.column),
                ink ? operandTitle(ink.column) : '',
              ]}
              logX={logX}
              logY={logY}
            />
          ) : (
            <EmptyLine>Choose what goes across and what goes up.</EmptyLine>
          )
        }
      </QueryView>
    </Card>
  );
}

function LogBox(props: {
  readonly label: string;
  readonly value: boolean;
  readonly onChange: (value: boolean) => void;
}) {
  return (
    <label className="inline-flex items-center gap-2">
      <input
        type="checkbox"
        checked={props.value}
        onChange={(event) => props.onChange(event.target.checked)}
        className="size-3.5 accent-accent"
      />
      {props.label}
    </label>
  );
}

function Plot(props: {
  readonly runs: readonly Run[];
  readonly across: Axis;
  readonly up: Axis;
  readonly ink: Axis | null;
  readonly titles: readonly [string, string, string];
  readonly logX: boolean;
  readonly logY: boolean;
}) {
  const { runs, across, up, ink, titles, logX, logY } = props;
  const [box, width] = useWidth<HTMLDivElement>();
  const navigate = useNavigate();
  const plotWidth = Math.max(0, width - MARGIN.left - MARGIN.right);
  const plotHeight = HEIGHT_PX - MARGIN.top - MARGIN.bottom;
  const points = runs.flatMap((run, index) => {
    const [xValue, yValue] = [across.values[index] ?? null, up.values[index] ?? null];
    if (xValue === null || yValue === null) return [];
    return [
      {
        run,
        x: MARGIN.left + placeOn(across, xValue, logX) * plotWidth,
        y: MARGIN.top + (1 - placeOn(up, yValue, logY)) * plotHeight,
        fill: ink ? inkAt(ink, index) : 'var(--accent)',
        tip: `${run.name}\n${titles[0]}: ${textAt(across, xValue)}\n${titles[1]}: ${textAt(up, yValue)}${ink ? `\n${titles[2]}: ${textAt(ink, ink.values[index] ?? null)}` : ''}`,
      },
    ];
  });
  return (
    <div ref={box} className="min-w-0">
      {width > 0 && (
        <svg
          width={width}
          height={HEIGHT_PX}
          role="img"
          aria-label={`${titles[1]} against ${titles[0]} of ${plural(points.length, 'run')}`}
        >
          {axisTicks(up, logY, 5).map((tick) => {
            const y = MARGIN.top + (1 - tick.place) * plotHeight;
            return (
              <g key={tick.text}>
                <line x1={MARGIN.left} x2={width - MARGIN.right} y1={y} y2={y} stroke="var(--line)" />
                <text x={MARGIN.left - 8} y={y + 4} textAnchor="end" className="axis-text">
                  {fits(tick.text, 10)}
                  <title>{tick.text}</title>
                </text>
              </g>
            );
          })}
          {axisTicks(across, logX, Math.max(2, Math.floor(plotWidth / 90))).map((tick) => (
            <text
              key={tick.text}
              x={MARGIN.left + tick.place * plotWidth}
              y={HEIGHT_PX - MARGIN.bottom + 18}
              textAnchor="middle"
              className="axis-text"
            >
              {fits(tick.text, 14)}
              <title>{tick.text}</title>
            </text>
          ))}
          <text x={MARGIN.left + plotWidth / 2} y={HEIGHT_PX - 6} textAnchor="middle" className="value-text">
            {titles[0]}
          </text>
          {points.map((point) => (
            // biome-ignore lint/a11y/noStaticElementInteractions: each run is reached by its link above.
            <circle
              key={point.run.id}
              cx={point.x}
              cy={point.y}
              r={runs.length > 150 ? 3.5 : 5}
              fill={point.fill}
              fillOpacity="0.75"
              stroke="var(--surface)"
              data-tip={point.tip}
              className="cursor-pointer"
              onClick={() => void navigate({ to: '/runs/$runId', params: { runId: point.run.id } })}
            />
          ))}
        </svg>
      )}
      {ink && <InkLegend axis={ink} title={titles[2]} />}
      <p className="text-label text-muted">
        {plural(points.length, 'run')}
        {points.length < runs.length && `; ${runs.length - points.length} lack one of the two`}
        {across.kind === 'number' &&
          logX &&
          across.low <= 0 &&
          '; no log axis across: some values are not above zero'}
        {up.kind === 'number' && logY && up.low <= 0 && '; no log axis up: some values are not above zero'}
      </p>
    </div>
  );
}

export const textAt = (axis: Axis, value: number | null): string =>
  value === null ? 'none' : axis.kind === 'text' ? (axis.words[value] ?? '') : formatNumber(value);

const WORDS_SHOWN = 16;

/** What the colours mean. */
function InkLegend(props: { readonly axis: Axis; readonly title: string }) {
  const { axis, title } = props;
  if (axis.kind === 'number')
    return (
      <p className="flex items-center gap-2 text-label text-muted">
        {title}: {formatNumber(axis.low)}
        <span
          aria-hidden
          className="h-2 w-24 rounded-full"
          style={{ background: 'linear-gradient(in oklab to right, var(--series-2), var(--accent))' }}
        />
        {formatNumber(axis.high)}
      </p>
    );
  return (
    <ul className="flex flex-wrap gap-x-4 text-label" aria-label={`Colours of ${title}`}>
      {axis.words.slice(0, WORDS_SHOWN).map((word, index) => (
        <li key={word} className="inline-flex items-center gap-1.5">
          <svg width="9" height="9" aria-hidden="true">
            <circle cx="4.5" cy="4.5" r="4" fill={`var(--series-${(index % 8) + 1})`} />
          </svg>
          {fits(word, 40)}
        </li>
      ))}
      {axis.words.length > WORDS_SHOWN && (
        <li className="text-muted">and {axis.words.length - WORDS_SHOWN} more; colours repeat after eight</li>
      )}
    </ul>
  );
}
