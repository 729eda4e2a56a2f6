import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Endpoint } from '../../../../src/lifecycle/serving/contract.ts';
import { feedbackQuery, monitorsQuery, newestWindowsQuery } from '../../api/queries.ts';
import { SparkBars } from '../../charts/draw/sparkline.tsx';
import { formatCount, formatDuration, formatPercent, plural } from '../format.ts';
import { Grid, type GridColumn } from '../grid.tsx';
import { armStroke } from '../identity.tsx';
import { StateMark } from '../state-mark.tsx';
import { Ago } from '../time.tsx';
import type { EndpointSort } from './endpoint-sort.ts';
import type { EndpointStanding } from './endpoint-standing.ts';
import { pulseOf } from './pulse.ts';

/** Endpoints as rows of one table, of which only those in sight ask how they do. */
export function EndpointsGrid(props: {
  readonly rows: readonly EndpointStanding[];
  readonly footer?: ReactNode;
  /** By which column they stand, and what a click on the head of one does; left out: their order is fixed. */
  readonly sort?: { readonly by: string | undefined; readonly toggle: (by: EndpointSort) => void };
}) {
  const navigate = useNavigate();
  const { sort } = props;
  const monitors = useQuery(monitorsQuery());
  const watched = new Set(monitors.data?.items.map((each) => each.endpoint));
  const isAnyWatched = props.rows.some(({ endpoint }) => watched.has(endpoint.name));
  const columns = COLUMNS.filter(({ id }) => isAnyWatched || !OF_WINDOWS.has(id)).map((column) => {
    const by = SORTS[column.id];
    if (!sort || !by) return column;
    const direction = by === 'name' ? ('asc' as const) : ('desc' as const);
    return { ...column, sort: { active: sort.by === by ? direction : null, toggle: () => sort.toggle(by) } };
  });
  return (
    <Grid
      label="Endpoints"
      rows={props.rows}
      columns={columns}
      rowKey={({ endpoint }) => endpoint.name}
      onOpen={({ endpoint }) =>
        void navigate({ to: '/endpoints/$endpoint', params: { endpoint: endpoint.name } })
      }
      narrowNote={({ sentence }) => sentence}
      footer={props.footer}
    />
  );
}

/** The order that a click on a column's head asks for. */
const SORTS: Readonly<Record<string, EndpointSort>> = {
  name: 'name',
  lately: 'predictions',
  failed: 'failed',
  changed: 'changed',
};

/** What only the windows of a watched endpoint tell. */
const OF_WINDOWS: ReadonlySet<string> = new Set(['requests', 'p99']);

const COLUMNS: readonly GridColumn<EndpointStanding>[] = [
  {
    id: 'name',
    head: 'Endpoint',
    width: 'minmax(120px, 2fr)',
    cell: ({ endpoint, state }) => (
      <span className="flex min-w-0 items-center gap-2">
        <StateMark state={state} />
        <Link
          to="/endpoints/$endpoint"
          params={{ endpoint: endpoint.name }}
          className="truncate font-strong hover:text-accent"
          data-tip={endpoint.name}
        >
          {endpoint.name}
        </Link>
      </span>
    ),
  },
  {
    id: 'now',
    head: 'Now',
    width: 'minmax(160px, 2.6fr)',
    wideOnly: true,
    cell: ({ endpoint, sentence, alert }) => {
      const text = (
        <span className="truncate" data-tip={sentence}>
          {sentence}
        </span>
      );
      return alert ? (
        <Link
          to="/monitoring"
          search={{ endpoint: endpoint.name, alert: alert.id }}
          className="flex min-w-0 hover:text-accent"
        >
          {text}
        </Link>
      ) : (
        <span className="flex min-w-0 text-muted">{text}</span>
      );
    },
  },
  {
    id: 'model',
    head: 'Model',
    width: 'minmax(80px, 0.8fr)',
    wideOnly: true,
    cell: ({ endpoint }) => (
      <Link to="/models/$model" params={{ model: endpoint.model }} className="hover:text-accent">
        {endpoint.model}
      </Link>
    ),
  },
  {
    id: 'shares',
    head: 'Shares',
    width: '72px',
    wideOnly: true,
    cell: (row) => <Shares row={row} />,
  },
  {
    id: 'requests',
    head: 'By window',
    width: '88px',
    wideOnly: true,
    cell: (row) => <Requests endpoint={row.endpoint.name} />,
  },
  {
    id: 'lately',
    head: 'Asked, 5 min',
    width: '86px',
    align: 'right',
    // On a phone the name has its room: endpoints are told apart by its end as often as by its beginning.
    wideOnly: 480,
    cell: ({ endpoint: { lately } }) => (lately ? formatCount(lately.predictions) : NOTHING),
  },
  {
    id: 'failed',
    head: 'Failed, 5 min',
    width: '86px',
    align: 'right',
    cell: ({ endpoint: { lately } }) => <Failed lately={lately} />,
  },
  {
    id: 'answered',
    head: 'In all',
    width: '64px',
    align: 'right',
    wideOnly: true,
    cell: (row) => <Answered endpoint={row.endpoint.name} />,
  },
  {
    id: 'p99',
    head: 'Latency p99',
    width: '78px',
    align: 'right',
    wideOnly: true,
    cell: (row) => <Latency endpoint={row.endpoint.name} />,
  },
  {
    id: 'changed',
    head: 'Changed',
    width: '84px',
    align: 'right',
    wideOnly: true,
    cell: ({ endpoint }) => <Ago at={endpoint.updatedAt} className="text-muted" />,
  },
];

const NOTHING = <span className="text-faint">–</span>;

function Shares(props: { readonly row: EndpointStanding }) {
  const arms = props.row.endpoint.arms.filter((arm) => arm.weight > 0);
  if (arms.length === 0) return NOTHING;
  const text = arms.map((arm) => `v${arm.modelVersion} ${formatPercent(arm.weight)}`).join(', ');
  return (
    <span
      className="flex h-2 gap-px overflow-hidden rounded-full"
      role="img"
      aria-label={text}
      data-tip={text}
    >
      {arms.map((arm) => (
        <span
          key={arm.arm}
          style={{ background: armStroke(arm.arm).colour, width: `${Math.max(3, arm.weight * 100)}%` }}
        />
      ))}
    </span>
  );
}

function usePulse(endpoint: string) {
  const windows = useQuery(newestWindowsQuery(endpoint));
  return pulseOf(windows.data?.items ?? []);
}

function Requests(props: { readonly endpoint: string }) {
  const pulse = usePulse(props.endpoint);
  if (!pulse) return NOTHING;
  const { requests } = pulse;
  return <SparkBars values={requests} label={`Requests of the last ${plural(requests.length, 'window')}`} />;
}

function Answered(props: { readonly endpoint: string }) {
  const feedback = useQuery(feedbackQuery(props.endpoint));
  return feedback.data ? formatCount(feedback.data.total.predictions) : NOTHING;
}

function Failed(props: { readonly lately: Endpoint['lately'] }) {
  const { lately } = props;
  if (!lately || lately.predictions === 0) return NOTHING;
  const { predictions, failed, refused } = lately;
  const others = refused > 0 ? `; ${formatCount(refused)} refused for what callers sent` : '';
  return (
    <span
      className={failed > 0 ? 'font-strong' : ''}
      data-tip={`${formatCount(failed)} of ${formatCount(predictions)}${others}`}
    >
      {formatPercent(failed / predictions)}
    </span>
  );
}

function Latency(props: { readonly endpoint: string }) {
  const p99 = usePulse(props.endpoint)?.p99Ms.at(-1);
  return p99 === null || p99 === undefined ? NOTHING : formatDuration(p99);
}
