import { useId } from 'react';
import { formatDay, formatMoment, formatStart } from '../../kit/format.ts';
import type { MarkKind, TimeMark } from '../prepare/time-chart.ts';

type Placed = { readonly at: number; readonly text: string };
type Plot = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };

/** Horizontal hairlines with their values; no vertical grid. */
export function ValueAxis(props: { readonly plot: Plot; readonly ticks: readonly Placed[] }) {
  const { plot, ticks } = props;
  return (
    <g>
      {ticks.map((tick) => (
        <g key={tick.text}>
          <line x1={plot.x} x2={plot.x + plot.width} y1={tick.at} y2={tick.at} stroke="var(--line)" />
          <text x={plot.x - 8} y={tick.at + 4} textAnchor="end" className="axis-text">
            {tick.text}
          </text>
        </g>
      ))}
    </g>
  );
}

/** A time of day, which is another one where the reader is. */
const CLOCK = /^\d\d:\d\d$/;

/** Texts of the horizontal axis, below the strip of marks; where they are times of day it says of which zone. */
export function BottomAxis(props: {
  readonly plot: Plot;
  readonly ticks: readonly Placed[];
  readonly offset?: number;
  /** Where the hairline writes its own date; texts under it are left out. */
  readonly avoid?: number | null;
}) {
  const { plot, ticks, offset = 28, avoid = null } = props;
  const hasClock = ticks.some((tick) => CLOCK.test(tick.text));
  return (
    <g>
      {hasClock && (
        <text x={plot.x - 8} y={plot.y + plot.height + offset} textAnchor="end" className="axis-text">
          UTC
        </text>
      )}
      {ticks.map((tick) =>
        avoid !== null && Math.abs(tick.at - avoid) < 56 ? null : (
          <text
            key={tick.at}
            x={Math.max(plot.x + (hasClock ? 20 : 8), Math.min(plot.x + plot.width - 8, tick.at))}
            y={plot.y + plot.height + offset}
            textAnchor="middle"
            className="axis-text"
          >
            {tick.text}
          </text>
        ),
      )}
    </g>
  );
}

const MARK_INK: Readonly<Record<MarkKind, string>> = {
  promotion: 'var(--champion)',
  retraining: 'var(--muted)',
  rejection: 'var(--muted)',
  rollback: 'var(--bad)',
  incident: 'var(--watch)',
};

/** What happened to the model, on the time axis of every chart: shape and colour by kind, words on hover. */
export function MarkStrip(props: {
  readonly plot: Plot;
  readonly marks: readonly (TimeMark & { readonly x: number; readonly glyphX: number })[];
}) {
  const { plot, marks } = props;
  const y = plot.y + plot.height + 9;
  return (
    <g>
      {marks.map((mark) => (
        <g
          key={`${mark.kind}${mark.atMs}${mark.text}`}
          data-tip={`${mark.text}\n${formatStart(mark.atMs)} UTC, event time`}
        >
          {(mark.kind === 'promotion' || mark.kind === 'rollback') && (
            <line
              x1={mark.x}
              x2={mark.x}
              y1={plot.y}
              y2={plot.y + plot.height}
              stroke={MARK_INK[mark.kind]}
              strokeDasharray="1 3"
            />
          )}
          <rect x={mark.glyphX - 6} y={y - 8} width="12" height="16" fill="transparent" />
          <MarkGlyph kind={mark.kind} x={mark.glyphX} y={y} />
          {mark.label && (
            <text x={mark.x + 4} y={plot.y + 9} className="axis-text">
              {mark.label}
            </text>
          )}
        </g>
      ))}
    </g>
  );
}

/** Promotion: dot. Retraining: ring. Rejection: cross. Rollback: square. Incident: triangle. */
function MarkGlyph(props: { readonly kind: MarkKind; readonly x: number; readonly y: number }) {
  const { kind, x, y } = props;
  const ink = MARK_INK[kind];
  if (kind === 'promotion') return <circle cx={x} cy={y} r="4.5" fill={ink} />;
  if (kind === 'retraining')
    return <circle cx={x} cy={y} r="3.4" fill="none" stroke={ink} strokeWidth="1.6" />;
  if (kind === 'rollback') return <rect x={x - 4} y={y - 4} width="8" height="8" rx="1" fill={ink} />;
  if (kind === 'incident')
    return <path d={`M${x} ${y - 4.5}L${x + 4.5} ${y + 3.5}H${x - 4.5}Z`} fill={ink} />;
  return (
    <path d={`M${x - 3.2} ${y - 3.2}l6.4 6.4m0-6.4l-6.4 6.4`} stroke={ink} strokeWidth="1.8" fill="none" />
  );
}

/** Names of the marks that occur, for beneath a group of charts. */
export function MarkLegend(props: { readonly kinds: readonly MarkKind[] }) {
  return (
    <span className="inline-flex flex-wrap items-center gap-x-3 text-label text-muted">
      {[...new Set(props.kinds)].map((kind) => (
        <span key={kind} className="inline-flex items-center gap-1">
          <svg width="12" height="12" aria-hidden="true">
            <MarkGlyph kind={kind} x={6} y={6} />
          </svg>
          {kind}
        </span>
      ))}
    </span>
  );
}

/** Hatching for windows whose labels are still coming. */
export function Hatches(props: {
  readonly plot: Plot;
  readonly hatches: readonly { readonly x: number; readonly width: number }[];
}) {
  const id = useId();
  if (props.hatches.length === 0) return null;
  return (
    <g>
      <defs>
        <pattern id={id} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <line x1="0" x2="0" y1="0" y2="6" stroke="var(--line-strong)" strokeWidth="1.5" />
        </pattern>
      </defs>
      {props.hatches.map((hatch) => (
        <rect
          key={hatch.x}
          x={hatch.x}
          width={hatch.width}
          y={props.plot.y}
          height={props.plot.height}
          fill={`url(#${id})`}
          opacity="0.7"
          data-tip="Not mature: labels are still coming"
        />
      ))}
    </g>
  );
}

/** The hairline at the hovered moment, with its date at the foot. */
export function Hairline(props: { readonly plot: Plot; readonly x: number; readonly atMs: number }) {
  const { plot, x, atMs } = props;
  if (x < plot.x - 1 || x > plot.x + plot.width + 1) return null;
  const text = atMs % 86_400_000 === 0 ? formatDay(atMs) : formatMoment(atMs).slice(5);
  const anchor = Math.max(plot.x + 34, Math.min(plot.x + plot.width - 34, x));
  const y = plot.y + plot.height + 28;
  return (
    <g pointerEvents="none">
      <line x1={x} x2={x} y1={plot.y} y2={plot.y + plot.height} stroke="var(--muted)" />
      <rect x={anchor - 36} y={y - 12} width="72" height="16" rx="3" fill="var(--surface)" />
      <text x={anchor} y={y} textAnchor="middle" className="value-text">
        {text}
      </text>
    </g>
  );
}
