import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import type { Alert, MonitorWindowSummary } from '../../../../src/lifecycle/monitoring/contract.ts';
import {
  alertsQuery,
  allEndpointsQuery,
  loopsQuery,
  monitorsQuery,
  turnsQuery,
  windowsQuery,
} from '../../api/queries.ts';
import { useEndpoint } from '../../api/use-endpoint.ts';
import { MarkLegend } from '../../charts/draw/frame.tsx';
import { HoverGroup } from '../../charts/draw/hover.tsx';
import { TimeChart } from '../../charts/draw/time-chart.tsx';
import { marksOf, qualitySeries, roleSeries } from '../../charts/prepare/loop-history.ts';
import { Chooser } from '../../kit/chooser.tsx';
import { Empty } from '../../kit/empty.tsx';
import { endpointOption, inServiceFirst } from '../../kit/endpoints/endpoint-options.ts';
import { Choice } from '../../kit/fields.tsx';
import { formatCount, plural } from '../../kit/format.ts';
import { metricText } from '../../kit/metric.ts';
import { Missing } from '../../kit/missing.tsx';
import { Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryView } from '../../kit/panel.tsx';
import { compact } from '../../kit/search-params.ts';
import { WatchEndpoint } from '../../kit/watch-endpoint.tsx';
import { AlertList } from './alert-list.tsx';
import { DriftCard } from './drift-card.tsx';
import { type MonitoringSearch, QUALITY_METRICS } from './search.ts';

const route = getRouteApi('/monitoring');

/** What moved away from normal, since when, and does it hurt? */
export function MonitoringScreen() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/monitoring' });
  const endpoints = useQuery(allEndpointsQuery());
  const listed = inServiceFirst(endpoints.data?.items ?? []);
  const names = listed.map((each) => each.name);
  const endpoint = useEndpoint(search.endpoint, names);
  const watched = endpoints.data?.items.find((each) => each.name === endpoint);
  const serving = (watched?.arms ?? []).map((arm) => arm.modelVersion);
  const monitors = useQuery(monitorsQuery());
  const isWatched = monitors.data?.items.some((each) => each.endpoint === endpoint);
  const windows = useQuery({ ...windowsQuery(endpoint ?? ''), enabled: endpoint !== undefined });
  const alerts = useQuery({ ...alertsQuery(endpoint), enabled: endpoint !== undefined });
  const set = useCallback(
    (change: { readonly [K in keyof MonitoringSearch]?: MonitoringSearch[K] | undefined }) =>
      void navigate({
        search: (old) => compact({ ...old, ...change }),
        replace: !('column' in change),
        resetScroll: false,
      }),
    [navigate],
  );
  if (endpoints.data && search.endpoint && !names.includes(search.endpoint)) {
    return (
      <Page>
        <Missing what="endpoint" name={search.endpoint} list="/monitoring" listName="Monitoring" />
      </Page>
    );
  }
  return (
    <Page>
      <PageHead
        title={endpoint ? `Monitoring ${endpoint}` : 'Monitoring'}
        sentence={
          windows.data &&
          alerts.data &&
          windows.data.items.length > 0 &&
          headline(alerts.data.items, serving, windows.data.items)
        }
        actions={
          names.length > 1 && (
            <Chooser
              label="Endpoint"
              value={endpoint ?? ''}
              options={listed.map(endpointOption)}
              onChange={(value) => set({ endpoint: value, window: undefined, column: undefined })}
            />
          )
        }
      />
      <QueryView
        query={endpoints}
        rows={8}
        isEmpty={(page) => page.items.length === 0 && search.endpoint === undefined}
        empty={
          <Empty title="Nothing to watch yet" type={`millrace apply loop.yaml --url ${location.origin}`}>
            The endpoint of a loop is watched by itself, any other from when somebody asks for it: drift of
            each input, quality once labels are in, errors and latency.
          </Empty>
        }
      >
        {() =>
          endpoint && (
            <>
              {/* An endpoint that no window has been closed of can have its alerts all the same. */}
              {windows.data?.items.length === 0 && (alerts.data?.items.length ?? 0) > 0 && (
                <AlertList
                  alerts={alerts.data?.items ?? []}
                  serving={serving}
                  model={watched?.model}
                  {...(search.alert ? { chosen: search.alert } : {})}
                />
              )}
              <QueryView
                query={windows}
                rows={8}
                isEmpty={(page) => page.items.length === 0}
                empty={
                  isWatched === undefined ? null : isWatched === false ? (
                    <Empty title="Not watched yet">
                      <WatchEndpoint endpoint={endpoint} />
                    </Empty>
                  ) : (
                    <Empty
                      title="No window has closed yet"
                      type={['{"mode":"replay"}', '{"to":"2001-02-02T00:00:00Z"}']
                        .map(
                          (body) =>
                            `curl -X POST ${location.origin}/api/v1/watermarks/${endpoint} -H 'content-type: application/json' -d '${body}'`,
                        )
                        .join('\n')}
                    >
                      Live, a window closes when the clock has passed its end. Who replays history says so
                      before the first request, and then how far event time has come:
                    </Empty>
                  )
                }
              >
                {(page) => (
                  <MonitoringBody
                    endpoint={endpoint}
                    windows={page.items}
                    alerts={alerts.data?.items ?? []}
                    serving={serving}
                    model={watched?.model}
                    search={search}
                    set={set}
                  />
                )}
              </QueryView>
            </>
          )
        }
      </QueryView>
    </Page>
  );
}

function headline(
  alerts: readonly Alert[],
  serving: readonly string[],
  windows: readonly MonitorWindowSummary[],
): string {
  const isOfServing = ({ modelVersion }: Alert) => modelVersion === '' || serving.includes(modelVersion);
  const open = alerts.filter((alert) => alert.state !== 'resolved' && isOfServing(alert));
  const immature = windows.filter((window) => !window.performance.mature).length;
  const labels = immature > 0 ? ` Labels still come for ${plural(immature, 'window')}.` : '';
  if (open.length === 0) return `No open alert.${labels}`;
  return `${plural(open.length, 'open alert')}.${labels}`;
}

function MonitoringBody(props: {
  readonly endpoint: string;
  readonly windows: readonly MonitorWindowSummary[];
  readonly alerts: readonly Alert[];
  readonly serving: readonly string[];
  readonly model: string | undefined;
  readonly search: MonitoringSearch;
  readonly set: (
    change: { readonly [K in keyof MonitoringSearch]?: MonitoringSearch[K] | undefined },
  ) => void;
}) {
  const { endpoint, windows, alerts, serving, model, search, set } = props;
  const loops = useQuery(loopsQuery());
  const loop = loops.data?.items.find((each) => each.endpoint === endpoint);
  const turnsData = useQuery({ ...turnsQuery(loop?.name), enabled: loop !== undefined });
  const turns = useMemo(() => turnsData.data?.items ?? [], [turnsData.data]);
  const metric = search.metric ?? 'logLoss';
  const marks = useMemo(() => marksOf(turns, alerts), [turns, alerts]);
  const quality = useMemo(() => qualitySeries(windows, turns, metric), [windows, turns, metric]);
  const rates = useMemo(
    () =>
      roleSeries(windows, turns, (window) => ({
        value: percent(window.performance.baseRate?.value),
        low: percent(window.performance.baseRate?.low),
        high: percent(window.performance.baseRate?.high),
        mature: window.performance.mature,
        of: `mean score ${window.performance.meanScore?.toFixed(3) ?? '–'}`,
      }))
        .slice(0, 1)
        .map((series) => ({ ...series, label: 'observed rate' })),
    [windows, turns],
  );
  const drifted = useMemo(
    () =>
      roleSeries(windows, turns, (window) => ({
        value: window.driftedColumns.length,
        of: window.driftedColumns.join(', '),
      }))
        .slice(0, 1)
        .map((series) => ({ ...series, label: 'columns' })),
    [windows, turns],
  );
  const levels = useMemo(() => referenceLevel(windows, metric), [windows, metric]);
  const { title, better } = metricText(metric);
  return (
    <>
      {alerts.length > 0 && (
        <AlertList
          alerts={alerts}
          serving={serving}
          model={model}
          {...(search.alert ? { chosen: search.alert } : {})}
        />
      )}
      <Card
        title="Quality"
        note={`on real outcomes; ${better === 'higher' ? 'higher' : 'lower'} is better`}
        actions={
          <Choice
            label="Metric"
            value={metric}
            options={QUALITY_METRICS.map((name) => [name, metricText(name).title] as const)}
            onChange={(value) => set({ metric: value === 'logLoss' ? undefined : value })}
          />
        }
      >
        <HoverGroup>
          <TimeChart
            title={title}
            series={quality}
            marks={marks}
            levels={levels}
            fromZero={false}
            height={230}
            empty="No window has enough labels for this metric yet."
          />
          <div className="grid gap-x-8 pt-2 lg:grid-cols-2">
            <TimeChart
              title="Positive labels, %"
              series={rates}
              marks={marks}
              fromZero={false}
              height={150}
              empty="No label yet."
            />
            <TimeChart
              title="Columns that moved"
              atLeast={4}
              series={drifted}
              marks={marks}
              fromZero
              height={150}
              empty="Nothing tested yet."
              format={formatCount}
            />
          </div>
          <MarkLegend kinds={marks.map((mark) => mark.kind)} />
        </HoverGroup>
      </Card>
      <DriftCard windows={windows} turns={turns} search={search} set={set} />
    </>
  );
}

/** The newest window's reference of this metric, as a line to compare with. */
function referenceLevel(windows: readonly MonitorWindowSummary[], metric: string) {
  const newest = windows.toSorted((a, b) => Date.parse(b.start) - Date.parse(a.start))[0];
  const reference = newest?.performance.metrics.find((each) => each.metric === metric)?.reference;
  return reference
    ? [{ value: reference.value, label: `v${newest?.modelVersion} before it was deployed` }]
    : [];
}

const percent = (ratio: number | null | undefined): number | null =>
  ratio === null || ratio === undefined ? null : ratio * 100;
