import { useNavigate } from '@tanstack/react-router';
import { type PointerEvent, useRef, useState } from 'react';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { plural } from '../../../kit/format.ts';
import { type Axis, placeOn } from './differences.ts';
import { type Operand, operandTitle } from './operands.ts';
import { axisTicks, fits, inkAt } from './scales.ts';
import { textAt } from './scatter-view.tsx';

/** A kept range of an axis, in the axis' own values. */
export type Brush = { readonly low: number; readonly high: number };

const HEIGHT_PX = 360;
const TOP_PX = 14;
const BOTTOM_PX = 20;
const plotHeight = HEIGHT_PX - TOP_PX - BOTTOM_PX;

/** The lines and axes. A missing value breaks the line. */
export function ParallelPlot(props: {
  readonly runs: readonly Run[];
  readonly operands: readonly Operand[];
  readonly kept: readonly boolean[];
  readonly brushes: Readonly<Record<string, Brush>>;
  readonly logs: ReadonlySet<string>;
  readonly width: number;
  readonly onBrush: (text: string, brush: Brush | null) => void;
}) {
  const { runs, operands, kept, brushes, logs, width, onBrush } = props;
  const navigate = useNavigate();
  const step = width / operands.length;
  const xAt = (index: number): number => step * (index + 0.5);
  const yAt = (operand: Operand, value: number): number =>
    TOP_PX + (1 - placeOn(operand.axis, value, logs.has(operand.text))) * plotHeight;
  const colour = operands.at(-1)?.axis;
  const tip = (run: Run, index: number): string =>
    `${run.name}\n${operands.map((each) => `${operandTitle(each.column)}: ${textAt(each.axis, each.axis.values[index] ?? null)}`).join('\n')}`;
  return (
    <svg
      width={width}
      height={HEIGHT_PX}
      role="img"
      aria-label={`${plural(runs.length, 'run')} over ${operands.map((each) => operandTitle(each.column)).join(', ')}`}
      className="block"
    >
      {runs.map((run, index) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: each run is reached by its link above.
        <path
          key={run.id}
          d={lineOf(operands, index, xAt, yAt)}
          fill="none"
          stroke={kept[index] ? (colour ? inkAt(colour, index) : 'var(--accent)') : 'var(--line)'}
          strokeOpacity={kept[index] ? 0.7 : 0.6}
          strokeWidth="1.5"
          pointerEvents={kept[index] ? 'stroke' : 'none'}
          data-tip={tip(run, index)}
          className="cursor-pointer hover:stroke-[3px]"
          onClick={() => void navigate({ to: '/runs/$runId', params: { runId: run.id } })}
        />
      ))}
      {operands.map((operand, index) => (
        <AxisLine
          key={operand.text}
          operand={operand}
          x={xAt(index)}
          log={logs.has(operand.text)}
          brush={brushes[operand.text] ?? null}
          yAt={(value) => yAt(operand, value)}
          onBrush={(brush) => onBrush(operand.text, brush)}
        />
      ))}
    </svg>
  );
}

function lineOf(
  operands: readonly Operand[],
  run: number,
  xAt: (index: number) => number,
  yAt: (operand: Operand, value: number) => number,
): string {
  let path = '';
  let drawing = false;
  operands.forEach((operand, index) => {
    const value = operand.axis.values[run] ?? null;
    if (value === null) {
      drawing = false;
      return;
    }
    path += `${drawing ? 'L' : 'M'}${xAt(index).toFixed(1)} ${yAt(operand, value).toFixed(1)}`;
    drawing = true;
  });
  return path;
}

function AxisLine(props: {
  readonly operand: Operand;
  readonly x: number;
  readonly log: boolean;
  readonly brush: Brush | null;
  readonly yAt: (value: number) => number;
  readonly onBrush: (brush: Brush | null) => void;
}) {
  const { operand, x, log, brush, yAt, onBrush } = props;
  const { axis } = operand;
  const from = useRef<number | null>(null);
  const [drag, setDrag] = useState<readonly [number, number] | null>(null);
  const yOf = (event: PointerEvent<SVGRectElement>): number => {
    const box = event.currentTarget.ownerSVGElement?.getBoundingClientRect();
    return Math.min(TOP_PX + plotHeight, Math.max(TOP_PX, event.clientY - (box?.top ?? 0)));
  };
  return (
    <g>
      <line x1={x} x2={x} y1={TOP_PX} y2={TOP_PX + plotHeight} stroke="var(--line-strong)" />
      {axisTicks(axis, log, 5).map((tick) => (
        <text
          key={tick.text}
          x={x + 5}
          y={TOP_PX + (1 - tick.place) * plotHeight + 4}
          className="axis-text"
          pointerEvents="none"
        >
          {fits(tick.text, 12)}
        </text>
      ))}
      {(drag ?? brush) && (
        <rect
          x={x - 7}
          width="14"
          y={drag ? Math.min(...drag) : yAt((brush as Brush).high) - 3}
          height={
            drag ? Math.abs(drag[1] - drag[0]) : yAt((brush as Brush).low) - yAt((brush as Brush).high) + 6
          }
          fill="var(--accent)"
          fillOpacity="0.25"
          stroke="var(--accent)"
        />
      )}
      <rect
        x={x - 10}
        y={TOP_PX - 6}
        width="20"
        height={plotHeight + 12}
        fill="transparent"
        className="cursor-ns-resize touch-none"
        data-tip={brush ? 'Click to take the range away' : undefined}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          from.current = yOf(event);
        }}
        onPointerMove={(event) => {
          if (from.current !== null) setDrag([from.current, yOf(event)]);
        }}
        onPointerUp={(event) => {
          const start = from.current;
          from.current = null;
          setDrag(null);
          if (start === null) return;
          const end = yOf(event);
          onBrush(
            Math.abs(end - start) < 4
              ? null
              : {
                  low: valueAt(axis, Math.max(start, end), log),
                  high: valueAt(axis, Math.min(start, end), log),
                },
          );
        }}
      />
    </g>
  );
}

/** The value of an axis at a height of the plot. */
function valueAt(axis: Axis, y: number, log: boolean): number {
  const place = 1 - (y - TOP_PX) / plotHeight;
  if (axis.kind === 'text') return place * (axis.words.length - 1);
  if (log && axis.low > 0)
    return Math.exp(Math.log(axis.low) + place * (Math.log(axis.high) - Math.log(axis.low)));
  return axis.low + place * (axis.high - axis.low);
}
