import { useQuery } from '@tanstack/react-query';
import type { Endpoint } from '../../../../src/lifecycle/serving/contract.ts';
import { feedbackQuery, newestWindowsQuery } from '../../api/queries.ts';
import { SparkBars, Sparkline } from '../../charts/draw/sparkline.tsx';
import { latelyText } from '../../kit/endpoints/endpoint-standing.ts';
import { pulseOf } from '../../kit/endpoints/pulse.ts';
import { Figures } from '../../kit/facts.tsx';
import { formatCount, formatNumber, formatPercent, plural } from '../../kit/format.ts';

/**
 * How an endpoint does, at the size of a line: its last five minutes by the clock, and requests, errors and latency of
 * its last windows of event time.
 */
export function EndpointPulse(props: { readonly endpoint: Endpoint }) {
  const { name, lately } = props.endpoint;
  const windows = useQuery(newestWindowsQuery(name));
  const feedback = useQuery(feedbackQuery(name));
  const pulse = pulseOf(windows.data?.items ?? []);
  const asked = feedback.data?.total.predictions ?? 0;
  if (!pulse) {
    const now = lately && lately.predictions > 0 ? ` ${latelyText(lately)} in the last 5 minutes.` : '';
    const text =
      asked > 0
        ? `${plural(asked, 'prediction')}; no window of event time has closed yet.${now}`
        : 'Not asked yet.';
    return feedback.data ? <p className="text-muted">{text}</p> : null;
  }
  const { requests, p99Ms, last } = pulse;
  return (
    <Figures
      figures={[
        ...(lately ? ([['Last 5 minutes', latelyText(lately), 'lately']] as const) : []),
        [
          'Requests, last window',
          <span key="r" className="flex items-center gap-3">
            {formatCount(last.requests)}
            <SparkBars
              values={requests}
              label={`Requests of the last ${plural(requests.length, 'window')}`}
            />
          </span>,
          'requests',
        ],
        ['With an error', last.requests > 0 ? formatPercent(last.failed / last.requests) : '–', 'failed'],
        [
          'Latency p99, ms',
          <span key="l" className="flex items-center gap-3">
            {formatNumber(p99Ms.at(-1), 1)}
            <Sparkline
              values={p99Ms}
              label={`99th percentile of latency over the last ${plural(p99Ms.length, 'window')}`}
            />
          </span>,
          'latency',
        ],
        ['Predictions in all', feedback.data ? formatCount(asked) : '–', 'asked'],
      ]}
    />
  );
}
