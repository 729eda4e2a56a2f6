import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type { MetricHistory, MetricSummary } from '../../../../../src/lifecycle/experiments/contract.ts';
import { historyQuery } from '../../../api/tracking.ts';
import { type CurveReading, LineChart, xText } from '../../../charts/draw/line-chart.tsx';
import { useInSight } from '../../../charts/draw/use-in-sight.ts';
import { type CurveX, prepareCurves } from '../../../charts/prepare/curves.ts';
import { formatCount, formatNumber, plural } from '../../../kit/format.ts';
import { QueryView } from '../../../kit/panel.tsx';
import { isInfinite, metricNumber } from '../run-text.ts';

const HEIGHT_PX = 180;

/**
 * One metric of a run. A metric with one point is a number. Dragging over the chart reads that range of steps again
 * in finer buckets.
 */
export function MetricPanel(props: {
  readonly runId: string;
  readonly metric: MetricSummary;
  readonly x: CurveX;
  readonly smoothing: number;
  readonly logY: boolean;
  readonly group: string;
  readonly live: boolean;
}) {
  const { runId, metric, x, smoothing, logY, group, live } = props;
  const [box, seen] = useInSight<HTMLDivElement>();
  const [range, setRange] = useState<readonly [number, number] | null>(null);
  const [reading, setReading] = useState<CurveReading | null>(null);
  const single = metric.count <= 1;
  const zoom = range && x === 'step' ? { startStep: Math.floor(range[0]), endStep: Math.ceil(range[1]) } : {};
  const history = useQuery({
    ...historyQuery(runId, metric.key, zoom),
    enabled: seen && !single,
    staleTime: live ? 2000 : 300_000,
  });
  const curves = useMemo(
    () =>
      prepareCurves(
        history.data ? [{ id: metric.key, name: metric.key, buckets: history.data.buckets }] : [],
        { x, smoothing, logY },
      ),
    [history.data, metric.key, x, smoothing, logY],
  );
  const at = reading?.values[0];
  const better = metric.direction === 'minimize' ? 'smaller is better' : 'greater is better';
  return (
    <div ref={box}>
      <div className="flex min-h-5 items-baseline gap-3">
        <h3 className="min-w-0 truncate font-strong" data-tip={`${metric.key}\n${better}`}>
          {metric.key}
        </h3>
        <span className="ml-auto shrink-0 whitespace-nowrap text-label text-muted">
          {reading ? (
            <>
              {xText(reading.x, x)}:{' '}
              <span className="text-text">
                {at === null || at === undefined ? 'no value' : formatNumber(at)}
              </span>
            </>
          ) : (
            <>
              last <span className="text-text">{metricNumber(metric.last)}</span>
              {!single && (
                <>
                  , best <span className="text-text">{metricNumber(metric.best ?? 'NaN')}</span>
                </>
              )}
            </>
          )}
        </span>
      </div>
      <div style={{ height: HEIGHT_PX + 20 }}>
        {single ? (
          <p className="flex h-full items-center justify-center text-hero">{metricNumber(metric.last)}</p>
        ) : (
          seen && (
            <QueryView query={history} rows={4}>
              {(data) => (
                <>
                  <LineChart
                    curves={curves}
                    x={x}
                    logY={logY}
                    height={HEIGHT_PX}
                    label={`${metric.key} over ${x}: ${plural(data.totalCount, 'point')}, from ${metricNumber(metric.first)} to ${metricNumber(metric.last)}`}
                    group={group}
                    onZoom={setRange}
                    onRead={setReading}
                  />
                  <p className="truncate text-faint text-label">
                    {countText(data)}
                    {(isInfinite(metric.min) || isInfinite(metric.max)) && '; infinite values are left out'}
                    {logY && metric.min !== null && metric.min <= 0 && '; what is not above zero is left out'}
                  </p>
                </>
              )}
            </QueryView>
          )
        )}
      </div>
    </div>
  );
}

/** How many points the chart stands for: each drawn, or all of them in the bands of fewer buckets. */
function countText(history: MetricHistory): string {
  const inRange = history.buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  const all = inRange < history.totalCount ? `, ${formatCount(history.totalCount)} in all` : '';
  return inRange > history.buckets.length
    ? `${formatCount(history.buckets.length)} buckets of ${formatCount(inRange)} points${all}; the band holds all of them`
    : `${plural(inRange, 'point')}${all}`;
}
