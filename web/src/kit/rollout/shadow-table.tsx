import type { ShadowComparison } from '../../../../src/loop/contract.ts';
import { formatCount, formatNumber, formatPercent } from '../format.ts';
import { Table, type TableColumn } from '../table.tsx';

/** What copies of the traffic say, each figure beside what two halves of the champion's own answers differ by. */
export function ShadowTable(props: { readonly of: string; readonly rows: readonly ShadowComparison[] }) {
  return (
    <Table
      label={`Copies of ${props.of}`}
      rows={props.rows}
      columns={COLUMNS}
      rowKey={(row) => `${row.segment?.feature}/${row.segment?.value}`}
    />
  );
}

const COLUMNS: readonly TableColumn<ShadowComparison>[] = [
  {
    id: 'where',
    head: 'Where',
    cell: ({ segment }) =>
      segment ? (
        <span>
          <span className="text-muted">{segment.feature}</span> {segment.value}
        </span>
      ) : (
        'All requests'
      ),
  },
  { id: 'copies', head: 'Copies', cell: (row) => formatCount(row.pairs) },
  { id: 'same', head: 'Same decision', cell: (row) => formatPercent(row.agreement) },
  { id: 'distance', head: 'Mean distance of scores', cell: (row) => formatNumber(row.meanDistance, 4) },
  {
    id: 'shift',
    head: 'Shift of scores (noise)',
    cell: (row) => <Beside value={formatNumber(row.scoreShift, 3)} other={formatNumber(row.scoreNoise, 3)} />,
  },
  {
    id: 'latency',
    head: 'Latency p99, ms (champion)',
    cell: (row) => (
      <Beside value={formatNumber(row.latencyP99Ms, 1)} other={formatNumber(row.championLatencyP99Ms, 1)} />
    ),
  },
];

const Beside = (props: { readonly value: string; readonly other: string }) => (
  <span>
    {props.value} <span className="text-muted">({props.other})</span>
  </span>
);
