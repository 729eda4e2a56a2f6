import { placed } from '../../kit/placed.ts';
import { prepareSparkline } from '../prepare/sparkline.ts';

/** A line the size of a word, with its last sample marked. */
export function Sparkline(props: {
  readonly values: readonly (number | null)[];
  readonly label: string;
  readonly width?: number;
  readonly height?: number;
  readonly colour?: string;
}) {
  const { values, label, width = 96, height = 22, colour = 'var(--current)' } = props;
  const drawn = prepareSparkline(values, width, height);
  return (
    <svg width={width} height={height} role="img" aria-label={label} className="shrink-0">
      {drawn?.paths.map((path) => (
        <path key={path} d={path} fill="none" stroke={colour} strokeWidth="1.5" strokeLinejoin="round" />
      ))}
      {drawn?.last && <circle cx={drawn.last.x} cy={drawn.last.y} r="2" fill={colour} />}
    </svg>
  );
}

/** Counts the size of a word. */
export function SparkBars(props: {
  readonly values: readonly number[];
  readonly label: string;
  readonly width?: number;
  readonly height?: number;
  readonly colour?: string;
}) {
  const { values, label, width = 96, height = 22, colour = 'var(--reference)' } = props;
  const highest = Math.max(1, ...values);
  const slot = width / Math.max(1, values.length);
  return (
    <svg width={width} height={height} role="img" aria-label={label} className="shrink-0">
      {placed(values).map(({ item: value, place }) => {
        const size = (value / highest) * (height - 2);
        return (
          <rect
            key={place}
            x={place * slot}
            y={height - size}
            width={Math.max(0.5, slot - 0.75)}
            height={size}
            fill={colour}
          />
        );
      })}
    </svg>
  );
}
