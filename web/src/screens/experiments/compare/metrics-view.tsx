import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import type { MetricSummary, Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { quoted, runsByIdQuery } from '../../../api/tracking.ts';
import { Button } from '../../../kit/button.tsx';
import { type DataColumn, DataGrid } from '../../../kit/data-grid/data-grid.tsx';
import { gridHeightPx } from '../../../kit/data-grid/layout.ts';
import { EmptyLine } from '../../../kit/empty.tsx';
import { SearchField, Select } from '../../../kit/fields.tsx';
import { plural } from '../../../kit/format.ts';
import { Card, QueryView } from '../../../kit/panel.tsx';
import { bestOf, columnDecimals, metricNumber, metricPart } from '../run-text.ts';
import { METRIC_PARTS, type MetricPart } from '../runs/columns.ts';
import type { CompareSearch } from '../search.ts';
import type { SetCompare } from './compare-screen.tsx';
import { runColumns } from './run-columns.tsx';
import { useKeys } from './use-keys.ts';

const KEYS_AT_ONCE = 60;

type Row = {
  readonly key: string;
  readonly summaries: readonly (MetricSummary | undefined)[];
  readonly decimals: number | undefined;
  readonly best: number | undefined;
};

/** Metrics side by side; the best of each is marked by the metric's own direction. */
export function MetricsView(props: {
  readonly runs: readonly Run[];
  readonly search: CompareSearch;
  readonly set: SetCompare;
}) {
  const { runs } = props;
  const [query, setQuery] = useState('');
  const [part, setPart] = useState<MetricPart>('last');
  const [count, setCount] = useState(KEYS_AT_ONCE);
  const keys = useKeys(runs, 'metric', query, count);
  const ids = runs.map((run) => run.id);
  const fields = ['name', ...keys.keys.map((key) => `metrics.${quoted(key)}`)].join(',');
  const values = useQuery({ ...runsByIdQuery(ids, fields), enabled: keys.keys.length > 0 });
  const rows = useMemo(() => {
    const byId = new Map((values.data ?? []).map((run) => [run.id, run]));
    return keys.keys.flatMap((key): Row[] => {
      const summaries = runs.map((run) => byId.get(run.id)?.metrics[key]);
      const direction = summaries.find((each) => each !== undefined)?.direction;
      if (!direction) return [];
      const parts = summaries.map((each) => metricPart(each, part));
      return [{ key, summaries, decimals: columnDecimals(parts), best: bestOf(parts, direction) }];
    });
  }, [values.data, keys.keys, runs, part]);
  const columns = useMemo(
    () => [
      FIRST,
      ...runColumns<Row>(runs, (row, index) => <Value row={row} index={index} part={part} />, 'right'),
    ],
    [runs, part],
  );
  return (
    <Card
      title="Metrics"
      note="the best of each row is marked"
      flush
      className="overflow-hidden"
      actions={
        <>
          <Select<MetricPart>
            label="Which value"
            value={part}
            options={METRIC_PARTS.map((each) => [each, each] as const)}
            onChange={(next) => setPart(next ?? 'last')}
          />
          <SearchField
            label="Search metrics"
            placeholder="search"
            value={query}
            onChange={setQuery}
            className="w-44"
          />
        </>
      }
    >
      {keys.isEmpty ? (
        <div className="px-4 pb-3">
          <EmptyLine>{query ? 'No metric holds this text.' : 'These runs logged no metric.'}</EmptyLine>
        </div>
      ) : (
        <QueryView query={values} rows={8}>
          {() => (
            <div
              className="flex flex-col border-line border-t"
              style={{ height: gridHeightPx(rows.length, 640, columns, keys.hasMore ? 44 : 0) }}
            >
              <DataGrid
                label="Metrics"
                rows={rows}
                columns={columns}
                rowKey={(row) => row.key}
                onOpen={(row) => props.set({ show: 'curves', key: row.key })}
                {...(keys.hasMore
                  ? {
                      footer: (
                        <>
                          <span>The first {plural(keys.keys.length, 'metric')}</span>
                          <Button onClick={() => setCount(count + KEYS_AT_ONCE)}>More</Button>
                        </>
                      ),
                    }
                  : {})}
              />
            </div>
          )}
        </QueryView>
      )}
    </Card>
  );
}

function Value(props: { readonly row: Row; readonly index: number; readonly part: MetricPart }) {
  const { row, index, part } = props;
  const value = metricPart(row.summaries[index], part);
  if (value === undefined) return <span className="text-faint">–</span>;
  const isBest = value === row.best;
  return (
    <span
      className={isBest ? 'font-strong text-accent' : 'text-muted'}
      data-tip={isBest ? `${value}\nthe best of these runs` : String(value)}
    >
      {isBest && (
        <span aria-hidden className="pr-1 text-label">
          ★
        </span>
      )}
      {metricNumber(value, row.decimals)}
      {isBest && <span className="sr-only"> best</span>}
    </span>
  );
}

const FIRST: DataColumn<Row> = {
  id: 'key',
  head: 'Metric',
  widthPx: innerWidth < 640 ? 140 : 220,
  cell: (row) => {
    const direction = row.summaries.find((each) => each !== undefined)?.direction;
    return (
      <span className="flex min-w-0 items-baseline gap-1.5">
        <span className="min-w-0 truncate" data-tip={row.key.length > 20 ? row.key : undefined}>
          {row.key}
        </span>
        <span
          className="shrink-0 text-faint text-label"
          data-tip={direction === 'minimize' ? 'Smaller is better' : 'Greater is better'}
        >
          {direction === 'minimize' ? '↓' : '↑'}
        </span>
      </span>
    );
  },
};
