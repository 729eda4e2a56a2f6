import { useMemo, useState } from 'react';
import type {
  Comparison,
  EvaluationReport,
  Estimate as Measured,
  MetricName,
} from '../../../../src/lifecycle/evaluation/contract.ts';
import { IntervalDot } from '../../charts/draw/interval-dot.tsx';
import { prepareIntervalScale } from '../../charts/prepare/interval-scale.ts';
import { Select } from '../../kit/fields.tsx';
import { formatCount } from '../../kit/format.ts';
import { metricText } from '../../kit/metric.ts';
import { Difference, Estimate } from '../../kit/number.tsx';
import { Card } from '../../kit/panel.tsx';
import { Scroll } from '../../kit/scroll.tsx';

const HEAD =
  'px-2.5 py-1.5 text-right text-label font-normal text-muted first:pl-4 first:text-left last:pr-4';
const CELL = 'px-2.5 py-1.5 text-right first:pl-4 first:text-left last:pr-4 whitespace-nowrap';

const known = (measured: Measured | undefined): boolean => measured !== undefined && measured.value !== null;
const rowsText = (measured: Measured): string => `on ${formatCount(measured.n)} rows`;

/** Every metric of the candidate, its difference to the champion, and the dummy model that it must beat. */
export function ComparisonTable(props: { readonly comparison: Comparison; readonly version: number }) {
  const { comparison } = props;
  const names = (Object.keys(comparison.candidate) as MetricName[]).filter((name) =>
    known(comparison.candidate[name]),
  );
  const against = comparison.candidateMinusChampion;
  return (
    <Scroll label="Metrics">
      <table className="w-full">
        <thead>
          <tr className="border-line border-b">
            <th className={HEAD}>Metric</th>
            <th className={HEAD}>v{props.version}</th>
            {comparison.champion && <th className={HEAD}>Champion</th>}
            {against && <th className={HEAD}>Difference</th>}
            <th className={HEAD}>Dummy</th>
          </tr>
        </thead>
        <tbody>
          {names.map((name) => {
            const { title, better } = metricText(name);
            const own = comparison.candidate[name];
            const champion = comparison.champion?.[name];
            const difference = against?.[name];
            const dummy = comparison.dummy[name];
            return (
              <tr key={name} className="border-line border-b last:border-b-0">
                <td className={CELL}>
                  {title}{' '}
                  <span
                    className="text-faint"
                    data-tip={better === 'higher' ? 'Higher is better' : 'Lower is better'}
                  >
                    {better === 'higher' ? '↑' : '↓'}
                  </span>
                </td>
                <td className={CELL}>
                  <Estimate value={own.value} low={own.low} high={own.high} of={rowsText(own)} />
                </td>
                {comparison.champion && (
                  <td className={`${CELL} text-muted`}>
                    {champion && (
                      <Estimate
                        value={champion.value}
                        low={champion.low}
                        high={champion.high}
                        of={rowsText(champion)}
                      />
                    )}
                  </td>
                )}
                {against && (
                  <td className={CELL}>
                    {difference && difference.value !== null && (
                      <Difference
                        value={difference.value}
                        low={difference.low}
                        high={difference.high}
                        better={better}
                        of={rowsText(difference)}
                      />
                    )}
                  </td>
                )}
                <td className={`${CELL} text-muted`}>
                  {dummy && (
                    <Estimate
                      value={dummy.value}
                      low={dummy.low}
                      high={dummy.high}
                      of="a model that answers the base rate to every row"
                    />
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Scroll>
  );
}

const DOT_WIDTH = 190;
const SHOWN = 24;

/** Where the candidate gains and where it loses: the difference per segment on one scale round zero. */
export function SegmentTable(props: { readonly report: EvaluationReport }) {
  const { segments, overall } = props.report;
  const withChampion = overall.candidateMinusChampion !== null;
  const [metric, setMetric] = useState<MetricName>('logLoss');
  const { better, title } = metricText(metric);
  const rows = useMemo(() => {
    const pick = (comparison: Comparison): Measured | undefined =>
      (withChampion ? comparison.candidateMinusChampion : comparison.candidateMinusDummy)?.[metric];
    return segments
      .map((segment) => ({
        segment,
        difference: pick(segment.comparison),
        own: segment.comparison.candidate[metric],
      }))
      .toSorted((a, b) => b.segment.comparison.rows - a.segment.comparison.rows);
  }, [segments, metric, withChampion]);
  const scale = useMemo(
    () =>
      prepareIntervalScale(
        rows.flatMap((row) => (row.difference ? [row.difference] : [])),
        DOT_WIDTH,
      ),
    [rows],
  );
  const metrics = (Object.keys(overall.candidate) as MetricName[]).filter((name) =>
    known(overall.candidate[name]),
  );
  return (
    <Card
      title="By segment"
      note={`${title} less that of ${withChampion ? 'the champion' : 'the dummy'}; coloured when the interval excludes zero`}
      actions={
        <Select
          label="Metric"
          value={metric}
          options={metrics.map((name) => [name, metricText(name).title] as const)}
          onChange={(value) => value && setMetric(value)}
        />
      }
      flush
      className="overflow-hidden"
    >
      <Scroll label="Segments">
        <table className="w-full">
          <thead>
            <tr className="border-line border-b">
              <th className={HEAD}>Segment</th>
              <th className={HEAD}>Rows</th>
              <th className={HEAD}>{title}</th>
              <th className={HEAD}>Difference</th>
              <th className={`${HEAD} w-52`}>
                {better === 'higher' ? 'worse ← → better' : 'better ← → worse'}
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, SHOWN).map(({ segment, difference, own }) => (
              <tr
                key={`${segment.column}${segment.kind}${segment.value}`}
                className="border-line border-b last:border-b-0"
              >
                <td className={CELL}>
                  <span className="text-muted">{segment.column} </span>
                  {segment.kind === 'missing'
                    ? 'missing'
                    : segment.kind === 'other'
                      ? 'all others'
                      : segment.value}
                </td>
                <td className={`${CELL} text-muted`}>{formatCount(segment.comparison.rows)}</td>
                <td className={CELL}>
                  {own && <Estimate value={own.value} low={own.low} high={own.high} of={rowsText(own)} />}
                </td>
                <td className={CELL}>
                  {difference && difference.value !== null ? (
                    <Difference
                      value={difference.value}
                      low={difference.low}
                      high={difference.high}
                      better={better}
                      of={rowsText(difference)}
                    />
                  ) : (
                    <span className="text-faint">–</span>
                  )}
                </td>
                <td className={`${CELL} py-0`}>
                  {difference && (
                    <IntervalDot
                      row={difference}
                      scale={scale}
                      width={DOT_WIDTH}
                      goodWhen={better === 'higher' ? 'positive' : 'negative'}
                    />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {rows.length > SHOWN && (
        <p className="border-line border-t px-4 py-2 text-label text-muted">
          The {SHOWN} largest of {rows.length} segments.
        </p>
      )}
    </Card>
  );
}
