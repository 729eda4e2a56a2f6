import { useQuery } from '@tanstack/react-query';
import { feedbackQuery, windowsQuery } from '../../api/queries.ts';
import { SparkBars, Sparkline } from '../../charts/draw/sparkline.tsx';
import { groupWindows } from '../../charts/prepare/loop-history.ts';
import { Figures } from '../../kit/facts.tsx';
import { formatCount, formatNumber, formatPercent } from '../../kit/format.ts';

const WINDOWS_SHOWN = 30;

/** How an endpoint does, at the size of a line: requests, errors and latency of its last windows of event time. */
export function EndpointPulse(props: { readonly endpoint: string }) {
  const windows = useQuery(windowsQuery(props.endpoint));
  const feedback = useQuery(feedbackQuery(props.endpoint));
  const groups = groupWindows(windows.data?.items ?? []).slice(-WINDOWS_SHOWN);
  const last = groups.at(-1);
  const asked = feedback.data?.total.predictions ?? 0;
  if (!last) {
    const text =
      asked > 0
        ? `${formatCount(asked)} answered; no window of event time has closed yet.`
        : 'Not asked yet.';
    return feedback.data ? <p className="text-muted">{text}</p> : null;
  }
  const requests = groups.map((group) => group.reduce((sum, { health }) => sum + health.requests, 0));
  const p99 = groups.map((group) => {
    const known = group.flatMap(({ health }) => (health.latencyMs ? [health.latencyMs.p99] : []));
    return known.length > 0 ? Math.max(...known) : null;
  });
  const failed = last.reduce((sum, { health }) => sum + health.failed, 0);
  const newest = requests.at(-1) ?? 0;
  return (
    <Figures
      figures={[
        [
          'Requests, last window',
          <span key="r" className="flex items-center gap-3">
            {formatCount(newest)}
            <SparkBars values={requests} label={`Requests of the last ${groups.length} windows`} />
          </span>,
          'requests',
        ],
        ['Failed', newest > 0 ? formatPercent(failed / newest) : '–', 'failed'],
        [
          'Latency p99, ms',
          <span key="l" className="flex items-center gap-3">
            {formatNumber(p99.at(-1), 1)}
            <Sparkline
              values={p99}
              label={`99th percentile of latency over the last ${groups.length} windows`}
            />
          </span>,
          'latency',
        ],
        ['Answered in all', feedback.data ? formatCount(asked) : '–', 'asked'],
      ]}
    />
  );
}
