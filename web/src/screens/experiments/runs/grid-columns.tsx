import { Link } from '@tanstack/react-router';
import { ChevronDown, ChevronRight } from 'lucide-react';
import type { MetricSummary, Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { pathPrefix } from '../../../api/prefix.ts';
import { OPENS_ROW } from '../../../kit/data-grid/body-row.tsx';
import type { DataColumn } from '../../../kit/data-grid/data-grid.tsx';
import { formatDuration } from '../../../kit/format.ts';
import { StateMark } from '../../../kit/state-mark.tsx';
import { Ago } from '../../../kit/time.tsx';
import { columnDecimals, metricNumber, metricPart, runWord, stateOfRun } from '../run-text.ts';
import { type ColumnRef, columnText, orderKey } from './columns.ts';

/** A run in the table: how deep it is nested, and whether it can be unfolded. */
export type RunRow = {
  readonly run: Run;
  readonly depth: number;
  readonly children: number;
  readonly open: boolean;
};

type Sorting = { readonly order: string | undefined; readonly set: (order: string) => void };

const WIDTH_PX: Readonly<Record<string, number>> = {
  metric: 96,
  param: 112,
  tag: 112,
  started: 92,
  took: 84,
  status: 96,
  experiment: 128,
  by: 104,
  id: 130,
};
const HEAD: Readonly<Record<string, string>> = {
  started: 'Started',
  took: 'Took',
  status: 'State',
  experiment: 'Experiment',
  by: 'By',
  id: 'Run id',
};

const sortOf = (key: string | null, { order, set }: Sorting): DataColumn<RunRow>['sort'] | undefined =>
  key === null
    ? undefined
    : {
        active: order === `${key} DESC` ? 'desc' : order === `${key} ASC` ? 'asc' : null,
        toggle: () =>
          set(order === `${key} DESC` ? `${key} ASC` : order === `${key} ASC` ? '' : `${key} DESC`),
      };

/** The first column: state, name, and the way to child runs. */
export function nameColumn(options: {
  readonly sorting: Sorting;
  readonly widthPx: number | undefined;
  readonly narrow: boolean;
  readonly onResize: (widthPx: number) => void;
  readonly onFold: (runId: string) => void;
}): DataColumn<RunRow> {
  const sort = sortOf('run_name', options.sorting);
  return {
    id: 'name',
    head: 'Run',
    widthPx: options.widthPx ?? (options.narrow ? 172 : 230),
    ...(options.widthPx === undefined && !options.narrow ? { grows: true } : {}),
    ...(sort ? { sort } : {}),
    onResize: options.onResize,
    cell: ({ run, depth, children, open }) => (
      <span
        className="flex min-w-0 items-center gap-2"
        style={depth > 0 ? { paddingLeft: depth * 20 } : undefined}
      >
        {children > 0 && (
          <button
            type="button"
            tabIndex={-1}
            aria-expanded={open}
            aria-label={`${open ? 'Fold' : 'Unfold'} ${children} child runs of ${run.name}`}
            onClick={() => options.onFold(run.id)}
            className="-ml-1 inline-flex size-5 shrink-0 items-center justify-center text-muted hover:text-text"
          >
            {open ? <ChevronDown size={14} aria-hidden /> : <ChevronRight size={14} aria-hidden />}
          </button>
        )}
        <StateMark state={stateOfRun(run.status)} label={runWord(run.status)} />
        <a
          href={`${pathPrefix}/runs/${encodeURIComponent(run.id)}`}
          {...{ [OPENS_ROW]: '' }}
          tabIndex={-1}
          data-tip={run.name.length > 22 ? run.name : undefined}
          className={`min-w-0 truncate hover:text-accent ${run.lifecycleStage === 'deleted' ? 'text-muted line-through' : ''}`}
        >
          {run.name}
        </a>
        {children > 0 && <span className="shrink-0 text-faint text-label">{children}</span>}
        {/^LOST$/.test(run.status) && (
          <span
            className="shrink-0 rounded-control bg-watch-quiet px-1.5 text-label"
            data-tip="It stopped writing without saying that it ended"
          >
            lost
          </span>
        )}
      </span>
    ),
  };
}

/** The other columns as the grid wants them. */
export function gridColumns(
  columns: readonly ColumnRef[],
  options: {
    readonly runs: readonly Run[];
    readonly sorting: Sorting;
    readonly widths: Readonly<Record<string, number>>;
    readonly onResize: (id: string, widthPx: number) => void;
    readonly experimentName: (id: string) => string;
  },
): readonly DataColumn<RunRow>[] {
  return columns.map((column): DataColumn<RunRow> => {
    const id = columnText(column);
    const sort = sortOf(orderKey(column), options.sorting);
    const widthPx = options.widths[id];
    const base = {
      id,
      head: column.kind === 'own' ? (HEAD[column.key] ?? column.key) : column.key,
      widthPx: widthPx ?? WIDTH_PX[column.kind === 'own' ? column.key : column.kind] ?? 120,
      onResize: (px: number) => options.onResize(id, px),
      ...(sort ? { sort } : {}),
    };
    if (column.kind === 'metric') return metricColumn(base, column, options.runs);
    if (column.kind === 'own') return ownColumn(base, column.key, options.experimentName);
    const bag = column.kind === 'param' ? 'params' : 'tags';
    const numeric = areNumbers(options.runs.slice(0, 200).map((run) => run[bag][column.key]));
    return {
      ...base,
      tip: `${column.kind} ${column.key}`,
      ...(numeric ? { align: 'right' as const } : widthPx === undefined ? { grows: true } : {}),
      cell: ({ run }) => <Text value={run[bag][column.key]} mono={column.kind === 'param' && !numeric} />,
    };
  });
}

/** Whether all that is known of a column are numbers, so that they stand under each other. */
const areNumbers = (values: readonly (string | undefined)[]): boolean => {
  const known = values.filter((value) => value !== undefined && value !== '');
  return known.length > 0 && known.every((value) => Number.isFinite(Number(value)));
};

type Base = Omit<DataColumn<RunRow>, 'cell'>;

function metricColumn(
  base: Base,
  column: Extract<ColumnRef, { kind: 'metric' }>,
  runs: readonly Run[],
): DataColumn<RunRow> {
  const of = (summary: MetricSummary | undefined) => metricPart(summary, column.part);
  const decimals = columnDecimals(runs.slice(0, 200).map((run) => of(run.metrics[column.key])));
  return {
    ...base,
    ...(column.part === 'last' ? {} : { note: column.part }),
    tip: `metric ${column.key}, ${column.part} value`,
    align: 'right',
    cell: ({ run }) => {
      const summary = run.metrics[column.key];
      if (!summary) return <span className="text-faint">–</span>;
      return <span data-tip={metricTip(summary, column.part)}>{metricNumber(of(summary), decimals)}</span>;
    },
  };
}

function metricTip(summary: MetricSummary, part: string): string | undefined {
  const value = metricPart(summary, part as 'last');
  const exact = `${part} ${String(value)}`;
  if (summary.count <= 1) return exact;
  return `${exact}\nmin ${metricNumber(summary.min ?? 'NaN')}, max ${metricNumber(summary.max ?? 'NaN')}, ${summary.count} points`;
}

function ownColumn(base: Base, field: string, experimentName: (id: string) => string): DataColumn<RunRow> {
  if (field === 'started')
    return {
      ...base,
      align: 'right',
      cell: ({ run }) => <Ago at={run.startTime} className="text-muted" />,
    };
  if (field === 'took')
    return {
      ...base,
      align: 'right',
      cell: ({ run }) => (
        <span className="whitespace-nowrap text-muted">
          {run.durationMs === null ? runWord(run.status) : formatDuration(run.durationMs)}
        </span>
      ),
    };
  if (field === 'experiment')
    return {
      ...base,
      cell: ({ run }) => (
        <Link
          to="/runs"
          search={{ experiment: run.experimentId }}
          tabIndex={-1}
          className="min-w-0 truncate text-muted hover:text-accent"
        >
          {experimentName(run.experimentId)}
        </Link>
      ),
    };
  const text: Readonly<Record<string, (run: Run) => string>> = {
    status: (run) => runWord(run.status),
    by: (run) => run.user,
    id: (run) => run.id,
  };
  return { ...base, cell: ({ run }) => <Text value={text[field]?.(run)} mono={field === 'id'} /> };
}

function Text(props: { readonly value: string | undefined; readonly mono?: boolean }) {
  const { value, mono } = props;
  if (value === undefined) return <span className="text-faint">–</span>;
  if (value === '') return <span className="text-faint text-label">empty</span>;
  return (
    <span
      className={`min-w-0 truncate text-muted ${mono ? 'font-mono text-label' : ''}`}
      data-tip={value.length > 14 ? value.slice(0, 600) : undefined}
    >
      {value}
    </span>
  );
}
