import type { ShadowComparison } from '../../../../src/loop/contract.ts';
import { formatCount, formatNumber, formatPercent } from '../format.ts';
import { Scroll } from '../scroll.tsx';
import { CELL, HEAD } from './arms-table.tsx';

/** What copies of the traffic say, each figure beside what two halves of the champion's own answers differ by. */
export function ShadowTable(props: { readonly of: string; readonly rows: readonly ShadowComparison[] }) {
  return (
    <Scroll label={`Copies of ${props.of}`}>
      <table className="w-full">
        <thead>
          <tr className="border-line border-b">
            <th className={HEAD}>Where</th>
            <th className={HEAD}>Copies</th>
            <th className={HEAD}>Same decision</th>
            <th className={HEAD}>Mean distance of scores</th>
            <th className={HEAD}>Shift of scores (noise)</th>
            <th className={HEAD}>Latency p99, ms (champion)</th>
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr
              key={`${row.segment?.feature}/${row.segment?.value}`}
              className="border-line border-b last:border-b-0"
            >
              <td className={CELL}>
                {row.segment ? (
                  <>
                    <span className="text-muted">{row.segment.feature}</span> {row.segment.value}
                  </>
                ) : (
                  'All requests'
                )}
              </td>
              <td className={CELL}>{formatCount(row.pairs)}</td>
              <td className={CELL}>{formatPercent(row.agreement)}</td>
              <td className={CELL}>{formatNumber(row.meanDistance, 4)}</td>
              <td className={CELL}>
                {formatNumber(row.scoreShift, 3)}{' '}
                <span className="text-muted">({formatNumber(row.scoreNoise, 3)})</span>
              </td>
              <td className={CELL}>
                {row.latencyP99Ms?.toFixed(1) ?? '–'}{' '}
                <span className="text-muted">({row.championLatencyP99Ms?.toFixed(1) ?? '–'})</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  );
}
