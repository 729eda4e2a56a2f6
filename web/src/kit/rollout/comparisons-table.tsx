import { useMemo } from 'react';
import type { ArmComparison } from '../../../../src/loop/contract.ts';
import { IntervalDot } from '../../charts/draw/interval-dot.tsx';
import { prepareIntervalScale } from '../../charts/prepare/interval-scale.ts';
import { formatCount, formatNumber, formatSigned } from '../format.ts';
import { metricText } from '../metric.ts';
import { Scroll } from '../scroll.tsx';
import { StateLabel } from '../state-mark.tsx';
import { CELL, HEAD } from './arms-table.tsx';
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
  return (
    <section className="flex min-w-0 flex-col gap-1">
      <h3 className="font-strong">{title}</h3>
      <Scroll label={`${title} of ${props.of}`}>
        <table className="w-full">
          <thead>
            <tr className="border-line border-b">
              <th className={HEAD}>{first}</th>
              {many && <th className={HEAD}>Version</th>}
              <th className={`${HEAD} text-left!`}>So far</th>
              <th className={HEAD}>Outcomes</th>
              <th className={HEAD}>Better by</th>
              <th className={`${HEAD} w-44`}>worse ← → better</th>
              <th className={HEAD}>Margin</th>
              <th className={HEAD}>Champion</th>
              <th className={HEAD}>Challenger</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr
                key={`${row.arm}/${row.metric}/${row.segment?.feature}/${row.segment?.value}`}
                className="border-line border-b last:border-b-0"
              >
                <td className={CELL}>
                  {row.segment ? (
                    <>
                      <span className="text-muted">{row.segment.feature}</span> {row.segment.value}
                    </>
                  ) : (
                    metricText(row.metric).title
                  )}
                </td>
                {many && <td className={CELL}>v{versions.get(row.arm) ?? row.arm}</td>}
                <td className={`${CELL} text-left!`}>
                  <StateLabel state={VERDICT[row.verdict][0]}>{VERDICT[row.verdict][1]}</StateLabel>
                </td>
                <td
                  className={CELL}
                  data-tip={
                    row.compared === 'pairs' ? 'Same requests, scored by both' : 'Each arm’s own requests'
                  }
                >
                  {formatCount(row.n)}
                </td>
                <td className={CELL} data-tip={intervalText(row)}>
                  {row.difference === null ? '–' : formatSigned(row.difference, 4)}
                </td>
                <td className={`${CELL} py-0`}>
                  <IntervalDot row={interval(row)} scale={scale} width={DOT_WIDTH} goodWhen="positive" />
                </td>
                <td className={`${CELL} text-muted`}>−{row.margin}</td>
                <td className={`${CELL} text-muted`}>{formatNumber(row.champion, 4)}</td>
                <td className={`${CELL} text-muted`}>{formatNumber(row.challenger, 4)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}

const interval = ({ difference: value, low, high }: ArmComparison) => ({ value, low, high });

function intervalText({ low, high, alpha }: ArmComparison): string {
  if (low === null || high === null) return 'No interval yet: too few labelled outcomes';
  return `${formatSigned(low, 4)} to ${formatSigned(high, 4)}, at any time with ${formatNumber((1 - alpha) * 100)} % confidence`;
}
