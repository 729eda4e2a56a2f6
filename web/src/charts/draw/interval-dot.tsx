import type { IntervalRow, prepareIntervalScale } from '../prepare/interval-scale.ts';

/** One row of a column of intervals round zero. Coloured only when it excludes zero. */
export function IntervalDot(props: {
  readonly row: IntervalRow;
  readonly scale: ReturnType<typeof prepareIntervalScale>;
  readonly width: number;
  readonly goodWhen: 'positive' | 'negative';
}) {
  const { row, scale, width, goodWhen } = props;
  const placed = scale.place(row);
  const good = (row.value ?? 0) > 0 === (goodWhen === 'positive');
  const ink = !placed?.excludesZero ? 'var(--muted)' : good ? 'var(--good)' : 'var(--bad)';
  return (
    <svg width={width} height="18" aria-hidden="true" className="block">
      <line x1={scale.zero} x2={scale.zero} y1="0" y2="18" stroke="var(--line-strong)" />
      {placed && (
        <g stroke={ink} fill={ink}>
          <line x1={placed.low} x2={placed.high} y1="9" y2="9" strokeWidth="1.5" />
          {placed.cutLow && <path d={`M${placed.low - 4} 9l4-3v6z`} stroke="none" />}
          {placed.cutHigh && <path d={`M${placed.high + 4} 9l-4-3v6z`} stroke="none" />}
          <circle cx={placed.x} cy="9" r="3" stroke="none" />
        </g>
      )}
    </svg>
  );
}
