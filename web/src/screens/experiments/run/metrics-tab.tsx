import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useId, useMemo, useState } from 'react';
import type { MetricSummary, RunDetail } from '../../../../../src/lifecycle/experiments/contract.ts';
import type { CurveX } from '../../../charts/prepare/curves.ts';
import { Button } from '../../../kit/button.tsx';
import { EmptyLine } from '../../../kit/empty.tsx';
import { SearchField } from '../../../kit/fields.tsx';
import { formatCount, plural } from '../../../kit/format.ts';
import { Card } from '../../../kit/panel.tsx';
import { compact } from '../../../kit/search-params.ts';
import { CurveControls } from '../curve-controls.tsx';
import type { RunSearch } from '../search.ts';
import { groupMetrics } from './metric-groups.ts';
import { MetricPanel } from './metric-panel.tsx';

const route = getRouteApi('/runs/$runId');
const AT_ONCE = 24;

/** Every metric with a history as a chart. Charts are drawn when they come into sight. */
export function MetricsTab(props: { readonly run: RunDetail }) {
  const { run } = props;
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/runs/$runId' });
  const set = (change: Partial<Record<keyof RunSearch, string | undefined>>): void =>
    void navigate({
      search: (old) => compact({ ...old, ...change }) as RunSearch,
      replace: true,
    });
  const query = search.metric ?? '';
  const found = useMemo(
    () =>
      Object.values(run.metrics)
        .filter((metric) => metric.key.toLowerCase().includes(query.toLowerCase()))
        // A key that is meant exactly comes first.
        .toSorted((a, b) => Number(b.key === query) - Number(a.key === query)),
    [run.metrics, query],
  );
  const groups = useMemo(() => groupMetrics(found), [found]);
  const x: CurveX = search.x ?? 'step';
  const logY = search.log === 'y';
  const smoothing = Math.min(0.99, Math.max(0, Number(search.smooth ?? 0) || 0));
  const total = Object.keys(run.metrics).length;
  if (total === 0) return <EmptyLine>This run logged no metric.</EmptyLine>;
  return (
    <div className="flex flex-col gap-4">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <SearchField
          label="Search metrics"
          placeholder={`part of a name, of ${formatCount(total)}`}
          value={query}
          onChange={(metric) => set({ metric })}
        />
        <CurveControls
          x={x}
          logY={logY}
          smoothing={smoothing}
          onChange={(change) => {
            const next = { x, logY, smoothing, ...change };
            set({
              x: next.x === 'step' ? undefined : next.x,
              log: next.logY ? 'y' : undefined,
              smooth: next.smoothing === 0 ? undefined : String(next.smoothing),
            });
          }}
        />
      </div>
      {found.length === 0 && <EmptyLine>No metric holds this text.</EmptyLine>}
      {groups.map((group, index) => (
        <Group
          key={group.name}
          run={run}
          name={group.name}
          metrics={group.metrics}
          alone={groups.length === 1}
          initiallyOpen={index === 0 || found.length <= AT_ONCE}
          x={x}
          smoothing={smoothing}
          logY={logY}
        />
      ))}
    </div>
  );
}

function Group(props: {
  readonly run: RunDetail;
  readonly name: string;
  readonly metrics: readonly MetricSummary[];
  readonly alone: boolean;
  readonly initiallyOpen: boolean;
  readonly x: CurveX;
  readonly smoothing: number;
  readonly logY: boolean;
}) {
  const { run, name, metrics, alone, x, smoothing, logY } = props;
  const [open, setOpen] = useState(props.initiallyOpen);
  const [shown, setShown] = useState(AT_ONCE);
  const sync = useId();
  const live = run.status === 'RUNNING';
  const body = (
    <div className="grid gap-4 md:grid-cols-2 2xl:grid-cols-3">
      {metrics.slice(0, shown).map((metric) => (
        <Card key={metric.key} className="overflow-hidden">
          <MetricPanel
            runId={run.id}
            metric={metric}
            x={x}
            smoothing={smoothing}
            logY={logY}
            group={sync}
            live={live}
          />
        </Card>
      ))}
    </div>
  );
  const more = metrics.length > shown && (
    <div>
      <Button onClick={() => setShown(shown + 2 * AT_ONCE)}>
        {formatCount(Math.min(2 * AT_ONCE, metrics.length - shown))} more of {formatCount(metrics.length)}
      </Button>
    </div>
  );
  if (alone)
    return (
      <>
        <h2 className="sr-only">Charts</h2>
        {body}
        {more}
      </>
    );
  return (
    <section className="flex flex-col gap-3">
      <h2>
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="flex items-baseline gap-2 font-strong text-lead hover:text-accent"
        >
          <span aria-hidden className="w-3 text-faint">
            {open ? '▾' : '▸'}
          </span>
          {name}
          <span className="font-normal text-label text-muted">{plural(metrics.length, 'metric')}</span>
        </button>
      </h2>
      {open && body}
      {open && more}
    </section>
  );
}
