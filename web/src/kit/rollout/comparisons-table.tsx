import { type ReactNode, useMemo } from 'react';
import type { ArmComparison } from '../../../../src/loop/contract.ts';
import { IntervalDot } from '../../charts/draw/interval-dot.tsx';
import { prepareIntervalScale } from '../../charts/prepare/interval-scale.ts';
import { decimalsFor, formatCount, formatNumber, formatSigned, shortValue } from '../format.ts';
import { metricText } from '../metric.ts';
import { StateLabel } from '../state-mark.tsx';
import { Table, type TableColumn } from '../table.tsx';
import { ArmText } from './arm-text.tsx';
import { VERDICT } from './evidence-text.ts';

const DOT_WIDTH = 170;

/** Every comparison of one metric family on one scale round zero, so that segments are compared by eye. */
export function ComparisonsTable(props: {
  /** What they are comparisons of. */
  readonly of: string;
  readonly title: string;
  readonly first: string;
  readonly rows: readonly ArmComparison[];
  /** Versions by arm. */
  readonly versions: ReadonlyMap<string, string>;
}) {
  const { title, first, rows, versions } = props;
  const many = new Set(rows.map((row) => row.arm)).size > 1;
  const scale = useMemo(() => prepareIntervalScale(rows.map(interval), DOT_WIDTH), [rows]);
  const columns: readonly TableColumn<ArmComparison>[] = [
    { id: 'first', head: first, cell: whereText },
    ...(many ? [{ id: 'arm', head: 'Arm', align: 'left' as const, cell: armText }] : []),
    {
      id: 'verdict',
      head: 'So far',
      align: 'left',
      cell: ({ verdict }) => <StateLabel state={VERDICT[verdict][0]}>{VERDICT[verdict][1]}</StateLabel>,
    },
    {
      id: 'n',
      head: 'Outcomes',
      cell: (row) => formatCount(row.n),
      tip: (row) => (row.compared === 'pairs' ? 'Same requests, scored by both' : 'Each arm’s own requests'),
    },
    {
      id: 'difference',
      head: 'Better by',
      tip: confidenceText,
      cell: (row) => (row.difference === null ? '–' : <DifferenceText row={row} />),
    },
    {
      id: 'picture',
      head: 'worse ← → better',
      className: 'w-44',
      wideOnly: 'roomy',
      cell: (row) => <IntervalDot row={interval(row)} scale={scale} width={DOT_WIDTH} goodWhen="positive" />,
    },
    { id: 'margin', head: 'Margin', muted: true, cell: (row) => `−${row.margin}` },
    { id: 'champion', head: 'Champion', muted: true, cell: (row) => formatNumber(row.champion, 4) },
    { id: 'challenger', head: 'Challenger', muted: true, cell: (row) => formatNumber(row.challenger, 4) },
  ];
  return (
    <section className="flex min-w-0 flex-col gap-1">
      <h3 className="font-strong">{title}</h3>
      <Table
        label={`${title} of ${props.of}`}
        rows={rows}
        columns={columns}
        rowKey={(row) => `${row.arm}/${row.metric}/${row.segment?.feature}/${row.segment?.value}`}
      />
    </section>
  );
  function armText({ arm }: ArmComparison): ReactNode {
    return <ArmText arm={arm} version={versions.get(arm)} />;
  }
}

const whereText = ({ segment, metric }: ArmComparison): ReactNode =>
  segment ? (
    <span>
      <span className="text-muted">{segment.feature}</span>{' '}
      <span data-tip={segment.value}>{shortValue(segment.value)}</span>
    </span>
  ) : (
    metricText(metric).title
  );

/** The difference with its interval, as many digits of both as the interval leaves certain. */
function DifferenceText(props: { readonly row: ArmComparison }) {
  const { difference, low, high } = props.row;
  if (low === null || high === null) return <span>{formatSigned(difference ?? 0, 4)}</span>;
  const decimals = decimalsFor((high - low) / 2) + 1;
  return (
    <span>
      {formatSigned(difference ?? 0, decimals)}
      <span className="text-muted @2xl:@max-[60rem]:block">
        {' '}
        ({formatSigned(low, decimals)} to {formatSigned(high, decimals)})
      </span>
    </span>
  );
}

const interval = ({ difference: value, low, high }: ArmComparison) => ({ value, low, high });

const confidenceText = ({ low, alpha }: ArmComparison): string =>
  low === null
    ? 'No interval yet: too few labelled outcomes'
    : `The interval holds at any time with ${formatNumber((1 - alpha) * 100)}\u202f% confidence`;
