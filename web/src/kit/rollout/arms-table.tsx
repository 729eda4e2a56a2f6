import { Link } from '@tanstack/react-router';
import type { ArmSeen } from '../../../../src/loop/contract.ts';
import { formatCount, formatNumber, formatPercent } from '../format.ts';
import { ArmSwatch } from '../identity.tsx';
import { metricText } from '../metric.ts';
import { Scroll } from '../scroll.tsx';

/** A head wraps, so that a long one never pushes the last column out of sight. */
export const HEAD =
  'px-2 py-1.5 text-right align-bottom text-label font-normal text-muted first:pl-0 first:text-left last:pr-0';
export const CELL = 'px-2 py-1.5 text-right first:pl-0 first:text-left last:pr-0 whitespace-nowrap';

/** What each arm did since the rollout began: share, requests, failures, labels, latency with its band, the metric. */
export function ArmsTable(props: {
  /** What they are the arms of. */
  readonly of: string;
  readonly model: string;
  readonly arms: readonly ArmSeen[];
  readonly metric: string;
  /** What an arm has of the traffic now; left out when it is over. */
  readonly shareOf?: ((arm: ArmSeen) => string) | undefined;
}) {
  const { model, arms, metric, shareOf } = props;
  return (
    <Scroll label={`Arms of ${props.of}`}>
      <table className="w-full">
        <thead>
          <tr className="border-line border-b">
            <th className={HEAD}>Arm</th>
            {shareOf && <th className={HEAD}>Share now</th>}
            <th className={HEAD}>Requests</th>
            <th className={HEAD}>Failed</th>
            <th className={HEAD}>Labelled</th>
            <th className={HEAD}>Latency p99, ms</th>
            <th className={HEAD}>{metricText(metric).title}</th>
          </tr>
        </thead>
        <tbody>
          {arms.map((arm) => (
            <tr key={arm.arm} className="border-line border-b last:border-b-0">
              <td className={CELL}>
                <span className="inline-flex items-center gap-2">
                  <ArmSwatch arm={arm.arm} />
                  <Link
                    to="/models/$model/versions/$version"
                    params={{ model, version: arm.version }}
                    className="font-strong hover:text-accent"
                  >
                    v{arm.version}
                  </Link>
                  <span className="text-muted">{arm.arm}</span>
                </span>
              </td>
              {shareOf && <td className={CELL}>{shareOf(arm)}</td>}
              <td className={CELL}>{formatCount(arm.requests)}</td>
              <td className={CELL}>
                {formatCount(arm.failed)}
                {arm.requests > 0 && (
                  <span className="text-muted"> ({formatPercent(arm.failed / arm.requests)})</span>
                )}
              </td>
              <td className={CELL}>
                {formatCount(arm.labelled)}
                {arm.waiting !== null && (
                  <span
                    className="text-muted"
                    data-tip={`${formatPercent(arm.waiting)} wait for their label`}
                  >
                    {' '}
                    ({formatPercent(1 - arm.waiting)})
                  </span>
                )}
              </td>
              <td className={CELL}>
                <LatencyBand arm={arm} />
              </td>
              <td className={CELL}>{arm.mean === null ? <None /> : formatNumber(arm.mean, 4)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}

const None = () => <span className="text-faint">–</span>;

/** The quantile and the band that holds it at any time; what is not bounded yet is said. */
function LatencyBand(props: { readonly arm: ArmSeen }) {
  const { latencyP99Ms: value, latencyP99LowMs: low, latencyP99HighMs: high } = props.arm;
  if (value === null) return <None />;
  const band = bandText(low, high);
  return (
    <span data-tip={`99 of 100 answers are faster; its band: ${band || 'not bounded yet'} ms`}>
      {value.toFixed(1)}
      {band && <span className="text-muted"> ({band})</span>}
    </span>
  );
}

/** `2.3 to 4.1`, `from 2.3` while nothing bounds it above, empty while nothing bounds it at all. */
function bandText(low: number | null, high: number | null): string {
  if (low === null) return high === null ? '' : `to ${high.toFixed(1)}`;
  return high === null ? `from ${low.toFixed(1)}` : `${low.toFixed(1)} to ${high.toFixed(1)}`;
}
