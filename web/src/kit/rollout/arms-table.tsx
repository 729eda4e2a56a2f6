import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { ArmSeen } from '../../../../src/loop/contract.ts';
import { formatCount, formatNumber, formatPercent } from '../format.ts';
import { ArmSwatch } from '../identity.tsx';
import { metricText } from '../metric.ts';
import { Table, type TableColumn } from '../table.tsx';
import { ArmWord } from './arm-text.tsx';

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
  const columns: readonly TableColumn<ArmSeen>[] = [
    { id: 'arm', head: 'Arm', cell: (arm) => <ArmName arm={arm} model={model} /> },
    ...(shareOf ? [{ id: 'share', head: 'Share now', cell: shareOf }] : []),
    { id: 'requests', head: 'Requests', cell: (arm) => formatCount(arm.requests) },
    {
      id: 'failed',
      head: 'Failed',
      headTip: 'By the fault of the model or the server. A shadow is asked only what the champion answered.',
      cell: (arm) => shareText(arm.failed - arm.refused, arm.requests),
    },
    ...(arms.some(({ refused }) => refused > 0) ? [REFUSED] : []),
    {
      id: 'labelled',
      head: 'Labelled',
      cell: labelledText,
      tip: ({ waiting }) => (waiting === null ? undefined : `${formatPercent(waiting)} wait for their label`),
    },
    { id: 'latency', head: 'Latency p99, ms', cell: (arm) => <LatencyBand arm={arm} /> },
    {
      id: 'mean',
      head: metricText(metric).title,
      cell: (arm) => (arm.mean === null ? <None /> : formatNumber(arm.mean, 4)),
    },
  ];
  return <Table label={`Arms of ${props.of}`} rows={arms} columns={columns} rowKey={(arm) => arm.arm} />;
}

function ArmName(props: { readonly arm: ArmSeen; readonly model: string }) {
  const { arm, model } = props;
  return (
    <span className="inline-flex items-center gap-2">
      <ArmSwatch arm={arm.arm} />
      <Link
        to="/models/$model/versions/$version"
        params={{ model, version: arm.version }}
        className="font-strong hover:text-accent"
      >
        v{arm.version}
      </Link>
      <ArmWord arm={arm.arm} />
    </span>
  );
}

const REFUSED: TableColumn<ArmSeen> = {
  id: 'refused',
  head: 'Refused',
  headTip: 'For what the caller sent.',
  cell: ({ refused, requests }) => shareText(refused, requests),
};

const shareText = (count: number, requests: number): ReactNode => (
  <span>
    {formatCount(count)}
    {requests > 0 && <span className="text-muted"> ({formatPercent(count / requests)})</span>}
  </span>
);

const labelledText = ({ labelled, waiting }: ArmSeen): ReactNode => (
  <span>
    {formatCount(labelled)}
    {waiting !== null && <span className="text-muted"> ({formatPercent(1 - waiting)})</span>}
  </span>
);

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
