import { useEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { MetricHistory } from '../../../../src/lifecycle/experiments/contract.ts';
import { formatNumber } from '../../kit/format.ts';
import { prepareMetric } from '../prepare/metric.ts';
import { useWidth } from './use-width.ts';

/** One metric of a run over its steps: the last value of each bucket as a line, its extremes as a band. */
export function MetricChart(props: { readonly history: MetricHistory; readonly height?: number }) {
  const { history, height = 170 } = props;
  const [box, width] = useWidth<HTMLDivElement>();
  const target = useRef<HTMLDivElement>(null);
  const data = useMemo(() => prepareMetric(history), [history]);
  const theme = document.documentElement.dataset.theme;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme changes the colours that are read from it.
  useEffect(() => {
    const element = target.current;
    if (!element || width === 0) return;
    const ink = (name: string): string =>
      getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const font = '11px system-ui, sans-serif';
    const axis = { stroke: ink('--faint'), font, ticks: { show: false } };
    const plot = new uPlot(
      {
        width,
        height,
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { size: 7 } },
        scales: { x: { time: false } },
        axes: [
          {
            ...axis,
            grid: { show: false },
            size: 26,
            values: (_plot, ticks) => ticks.map((tick) => formatNumber(tick)),
          },
          {
            ...axis,
            grid: { stroke: ink('--line'), width: 1 },
            size: 52,
            space: 28,
            values: (_plot, ticks) => ticks.map((tick) => formatNumber(tick)),
          },
        ],
        series: [
          {},
          { stroke: 'transparent', points: { show: false } },
          { stroke: 'transparent', points: { show: false } },
          { stroke: ink('--accent'), width: 1.75, points: { show: data.points.length < 40 } },
        ],
        bands: [{ series: [1, 2], fill: `color-mix(in oklch, ${ink('--accent')} 18%, transparent)` }],
      },
      [data.steps, data.highs, data.lows, data.points],
      element,
    );
    return () => plot.destroy();
  }, [data, width, height, theme]);
  return (
    <div ref={box} className="min-w-0">
      <div ref={target} role="img" aria-label={`${history.key}: ${history.totalCount} points`} />
      {history.totalCount > history.buckets.length && (
        <p className="text-label text-muted">
          {history.buckets.length} buckets of {history.totalCount} points; the band holds all of them.
        </p>
      )}
    </div>
  );
}
