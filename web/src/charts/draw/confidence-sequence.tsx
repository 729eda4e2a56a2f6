import { useId, useMemo } from 'react';
import { formatCount, formatSigned, plural } from '../../kit/format.ts';
import { type Look, prepareConfidenceSequence } from '../prepare/confidence-sequence.ts';
import { BottomAxis, ValueAxis } from './frame.tsx';
import { useWidth } from './use-width.ts';

/** More looks than these are a band; only the newest has its whisker. */
const MOST_WHISKERS = 16;

/** A sequential comparison: the estimate, its confidence sequence narrowing with evidence, the decision bounds. */
export function ConfidenceSequence(props: {
  readonly looks: readonly Look[];
  readonly bounds: readonly { readonly value: number; readonly label: string }[];
  readonly need?: number;
  readonly height?: number;
  /** The challenger's unless given. */
  readonly colour?: string;
}) {
  const { looks, bounds, need, height = 190, colour = 'var(--challenger)' } = props;
  const clip = useId();
  const [box, width] = useWidth<HTMLDivElement>();
  const drawn = useMemo(
    () =>
      width === 0
        ? null
        : prepareConfidenceSequence({
            looks,
            bounds,
            width,
            height,
            ...(need === undefined ? {} : { need }),
          }),
    [looks, bounds, need, width, height],
  );
  return (
    <div ref={box} className="min-w-0">
      {drawn && (
        <svg
          width={width}
          height={height}
          role="img"
          aria-label={`Difference after ${plural(looks.length, 'look')}`}
          className="block overflow-visible"
        >
          <defs>
            <clipPath id={clip}>
              <rect x={drawn.plot.x} y={drawn.plot.y} width={drawn.plot.width} height={drawn.plot.height} />
            </clipPath>
          </defs>
          <ValueAxis plot={drawn.plot} ticks={drawn.yTicks} />
          {drawn.bounds.map((bound) => (
            <line
              key={bound.label}
              x1={drawn.plot.x}
              x2={drawn.plot.x + drawn.plot.width}
              y1={bound.y}
              y2={bound.y}
              stroke="var(--muted)"
              strokeDasharray={bound.value === 0 ? undefined : '4 3'}
            />
          ))}
          <g clipPath={`url(#${clip})`}>
            <path d={drawn.band} fill={colour} opacity="0.18" />
            <path d={drawn.line} fill="none" stroke={colour} strokeWidth="1.75" />
            {drawn.looks.map((look) => (
              <g
                key={look.pairs}
                data-tip={`${formatSigned(look.value, 4)} (${formatSigned(look.low, 4)} to ${formatSigned(look.high, 4)})\nafter ${formatCount(look.pairs)} labelled outcomes${look.at ? `, ${look.at}` : ''}`}
              >
                {(drawn.looks.length <= MOST_WHISKERS || look === drawn.looks.at(-1)) && (
                  <>
                    <line
                      x1={look.x}
                      x2={look.x}
                      y1={look.yLow}
                      y2={look.yHigh}
                      stroke={colour}
                      strokeWidth="1.75"
                      opacity="0.7"
                    />
                    <circle cx={look.x} cy={look.y} r="3.5" fill={colour} />
                  </>
                )}
                <rect
                  x={look.x - 7}
                  y={drawn.plot.y}
                  width="14"
                  height={drawn.plot.height}
                  fill="transparent"
                />
              </g>
            ))}
          </g>
          {/* Over the looks, of which the first stand where the words do. */}
          {drawn.bounds.map((bound) => (
            <text
              key={bound.label}
              x={bound.labelX}
              y={bound.labelY}
              textAnchor={bound.labelEnds ? 'end' : 'start'}
              className="axis-text"
            >
              {bound.label}
            </text>
          ))}
          {drawn.need !== null && (
            <line
              x1={drawn.need}
              x2={drawn.need}
              y1={drawn.plot.y}
              y2={drawn.plot.y + drawn.plot.height}
              stroke="var(--faint)"
              strokeDasharray="2 3"
            />
          )}
          <BottomAxis plot={drawn.plot} ticks={drawn.xTicks} offset={18} />
        </svg>
      )}
    </div>
  );
}
