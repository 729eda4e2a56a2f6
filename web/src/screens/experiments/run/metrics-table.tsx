import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { MetricSummary, RunDetail } from '../../../../../src/lifecycle/experiments/contract.ts';
import { byName } from '../../../kit/by-name.ts';
import { type DataColumn, DataGrid } from '../../../kit/data-grid/data-grid.tsx';
import { gridHeightPx } from '../../../kit/data-grid/layout.ts';
import { EmptyLine } from '../../../kit/empty.tsx';
import { SearchField } from '../../../kit/fields.tsx';
import { formatCount } from '../../../kit/format.ts';
import { Card } from '../../../kit/panel.tsx';
import { metricNumber } from '../run-text.ts';
import { MetricDirectionDialog } from './metric-direction.tsx';

const ROWS_SHOWN = 14;
const SEARCH_FROM = 8;

type Order = { readonly key: string; readonly way: 'asc' | 'desc' };

/** Every metric of a run with the values that it is known by. A row opens the metric's chart. */
export function MetricsTable(props: { readonly run: RunDetail }) {
  const { run } = props;
  const navigate = useNavigate();
  const [query, setQuery] = useState('');
  const [order, setOrder] = useState<Order>({ key: 'key', way: 'asc' });
  const all = useMemo(() => Object.values(run.metrics), [run.metrics]);
  const rows = useMemo(() => {
    const text = query.toLowerCase();
    const found = all.filter((metric) => metric.key.toLowerCase().includes(text));
    return found.toSorted((a, b) => compare(a, b, order.key) * (order.way === 'asc' ? 1 : -1));
  }, [all, query, order]);
  const [asked, setAsked] = useState<MetricSummary | null>(null);
  const columns = useMemo(() => columnsOf(order, setOrder, setAsked), [order]);
  return (
    <Card
      title="Metrics"
      note={all.length > 0 ? formatCount(all.length) : undefined}
      flush
      className="overflow-hidden"
      actions={
        all.length > SEARCH_FROM && (
          <SearchField label="Search metrics" value={query} onChange={setQuery} className="w-56" />
        )
      }
    >
      {all.length === 0 ? (
        <div className="px-4 pb-3">
          <EmptyLine>This run logged no metric.</EmptyLine>
        </div>
      ) : (
        <div
          className="flex flex-col border-line border-t"
          style={{ height: gridHeightPx(Math.min(ROWS_SHOWN, all.length), 640, columns) }}
        >
          <DataGrid
            label="Metrics"
            rows={rows}
            columns={columns}
            rowKey={(metric) => metric.key}
            onOpen={(metric) =>
              void navigate({
                to: '/runs/$runId',
                params: { runId: run.id },
                search: { tab: 'metrics', metric: metric.key },
              })
            }
          />
        </div>
      )}
      {asked && (
        <MetricDirectionDialog
          experimentId={run.experimentId}
          metric={asked}
          onClose={() => setAsked(null)}
        />
      )}
    </Card>
  );
}

function compare(a: MetricSummary, b: MetricSummary, key: string): number {
  if (key === 'key') return byName(a.key, b.key);
  const value = (metric: MetricSummary): number => {
    const of = metric[key as 'last' | 'best' | 'min' | 'max' | 'mean' | 'count'];
    return typeof of === 'number' ? of : Number.NEGATIVE_INFINITY;
  };
  return value(a) - value(b) || byName(a.key, b.key);
}

function columnsOf(
  order: Order,
  set: (order: Order) => void,
  askDirection: (metric: MetricSummary) => void,
): readonly DataColumn<MetricSummary>[] {
  const sort = (key: string) => ({
    active: order.key === key ? order.way : null,
    toggle: () => set({ key, way: order.key === key && order.way === 'desc' ? 'asc' : 'desc' }),
  });
  const number = (
    id: 'last' | 'best' | 'min' | 'max' | 'mean',
    head: string,
    tip: string,
  ): DataColumn<MetricSummary> => ({
    id,
    head,
    tip,
    // Room for 1.00e−300 and 123 456 789.
    widthPx: 100,
    align: 'right',
    sort: sort(id),
    cell: (metric) => {
      const value = metric[id] ?? 'NaN';
      return (
        <span data-tip={String(value)} className="truncate">
          {metricNumber(value)}
        </span>
      );
    },
  });
  return [
    {
      id: 'key',
      head: 'Metric',
      widthPx: innerWidth < 640 ? 150 : 170,
      grows: true,
      sort: {
        active: order.key === 'key' ? order.way : null,
        toggle: () => set({ key: 'key', way: order.key === 'key' && order.way === 'asc' ? 'desc' : 'asc' }),
      },
      cell: (metric) => (
        <span className="flex min-w-0 items-center gap-1.5">
          <span className="min-w-0 truncate" data-tip={metric.key.length > 20 ? metric.key : undefined}>
            {metric.key}
          </span>
          <button
            type="button"
            aria-label={`Which way ${metric.key} is better`}
            onClick={() => askDirection(metric)}
            className="shrink-0 rounded-control px-1 text-faint text-label hover:bg-sunken hover:text-text"
            data-tip={`${metric.direction === 'minimize' ? 'Smaller' : 'Greater'} is better${metric.isDirectionGuessed ? ', guessed from the name' : ''}; change it`}
          >
            {metric.direction === 'minimize' ? '↓' : '↑'}
          </button>
        </span>
      ),
    },
    number('last', 'Last', 'Value at the greatest step'),
    {
      ...number('best', 'Best', 'The extreme that is better by the metric’s direction'),
      cell: (metric) => (
        <span
          data-tip={`${metric.best ?? 'NaN'}${metric.bestStep === null ? '' : ` at step ${metric.bestStep}`}`}
          className="truncate"
        >
          {metricNumber(metric.best ?? 'NaN')}
        </span>
      ),
    },
    number('min', 'Min', 'Smallest value'),
    number('max', 'Max', 'Greatest value'),
    number('mean', 'Mean', 'Mean of all points that are numbers'),
    {
      id: 'count',
      head: 'Points',
      widthPx: 70,
      align: 'right',
      sort: sort('count'),
      cell: (metric) => <span className="text-muted">{formatCount(metric.count)}</span>,
    },
  ];
}
