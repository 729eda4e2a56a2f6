import { useMemo } from 'react';
import { formatPercent, plural } from '../../kit/format.ts';
import { type Identity, identityStroke } from '../../kit/identity.tsx';
import { prepareReliability, type ReliabilityPoint } from '../prepare/reliability.ts';

type ReliabilityModel = {
  readonly id: string;
  readonly identity: Identity;
  readonly points: readonly ReliabilityPoint[];
};

/** Predicted against observed rate, per cent on both axes; on the diagonal the scores mean what they say. */
export function Reliability(props: { readonly models: readonly ReliabilityModel[]; readonly size?: number }) {
  const { models, size = 260 } = props;
  const drawn = useMemo(() => prepareReliability(models, size), [models, size]);
  if (!drawn) return null;
  const { plot } = drawn;
  return (
    <svg
      width={size}
      height={size + 6}
      role="img"
      aria-label="Calibration: predicted against observed rate"
      className="max-w-full"
    >
      {drawn.ticks.map((tick) => (
        <g key={tick.text}>
          <line x1={plot.x} x2={plot.x + plot.size} y1={tick.y} y2={tick.y} stroke="var(--line)" />
          <text x={plot.x - 6} y={tick.y + 4} textAnchor="end" className="axis-text">
            {tick.text}
          </text>
          <text x={tick.x} y={plot.y + plot.size + 16} textAnchor="middle" className="axis-text">
            {tick.text}
          </text>
        </g>
      ))}
      <line {...drawn.diagonal} stroke="var(--faint)" strokeDasharray="2 3" />
      {drawn.models.map((model) => {
        const stroke = identityStroke[models.find((each) => each.id === model.id)?.identity ?? 'current'];
        return (
          <g key={model.id} stroke={stroke.colour} fill={stroke.colour}>
            <polyline
              points={model.points.map((point) => `${point.x},${point.y}`).join(' ')}
              fill="none"
              strokeWidth="1.5"
              strokeDasharray={stroke.dash || undefined}
            />
            {model.points.map((point) => (
              <g
                key={point.x}
                data-tip={`${model.id}: predicted ${formatPercent(point.meanScore, 1)}, observed ${formatPercent(point.observed, 1)}\n${plural(point.rows, 'row')}`}
              >
                <line
                  x1={point.x}
                  x2={point.x}
                  y1={point.low}
                  y2={point.high}
                  strokeWidth="1.25"
                  opacity="0.55"
                />
                <circle cx={point.x} cy={point.y} r="3" stroke="none" />
                <circle cx={point.x} cy={point.y} r="9" fill="transparent" stroke="none" />
              </g>
            ))}
          </g>
        );
      })}
    </svg>
  );
}
