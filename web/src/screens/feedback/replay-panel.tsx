import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Download } from 'lucide-react';
import type { Replay, ReplayMetrics, ReplayOutputs } from '../../../../src/lifecycle/feedback/contract.ts';
import { apiUrl } from '../../api/client.ts';
import { replayQuery } from '../../api/queries.ts';
import { Act } from '../../kit/act.tsx';
import { Facts } from '../../kit/facts.tsx';
import { formatBytes, formatCount, formatNumber, formatPercent, plural } from '../../kit/format.ts';
import { metricText } from '../../kit/metric.ts';
import { QueryView } from '../../kit/panel.tsx';
import { SidePanel } from '../../kit/side-panel.tsx';
import { Id } from '../../kit/snippet.tsx';
import { StateLabel } from '../../kit/state-mark.tsx';
import { EventTime } from '../../kit/time.tsx';
import { REPLAY_STATE } from './replays-view.tsx';

const POLL_MS = 2000;

/** One replay: how far the version is from what was answered, and which is nearer to the truth. */
export function ReplayPanel(props: { readonly id: string; readonly onClose: () => void }) {
  const replay = useQuery({
    ...replayQuery(props.id),
    // Parts come without events; only what runs is asked for again.
    refetchInterval: ({ state }) => (state.data && isOpen(state.data) ? POLL_MS : false),
  });
  return (
    <SidePanel title="Replay" label="Replay" onClose={props.onClose}>
      <QueryView query={replay} rows={6}>
        {(data) => <ReplayBody replay={data} onDeleted={props.onClose} />}
      </QueryView>
    </SidePanel>
  );
}

function ReplayBody(props: { readonly replay: Replay; readonly onDeleted: () => void }) {
  const { replay } = props;
  return (
    <div className="flex flex-col gap-5">
      <Facts
        facts={[
          [
            'State',
            <StateLabel key="state" state={REPLAY_STATE[replay.status]}>
              {replay.status}
            </StateLabel>,
          ],
          [
            'Asked',
            <Link
              key="version"
              to="/models/$model/versions/$version"
              params={{ model: replay.model, version: replay.modelVersion }}
              className="text-accent"
            >
              {replay.model} v{replay.modelVersion}
            </Link>,
          ],
          ['From', <EventTime key="from" at={replay.from} precise />],
          ['Before', <EventTime key="to" at={replay.to} precise />],
          [
            'Rows',
            isOpen(replay) && replay.rows === null
              ? 'being read from the log'
              : isOpen(replay)
                ? `${formatCount(replay.progress.rows)} of ${formatCount(replay.rows)} done`
                : formatCount(replay.rows),
          ],
          ['Id', <Id key="id" id={replay.id} />],
        ]}
      />
      <div>
        {isOpen(replay) ? (
          <Act
            verb="Cancel"
            look="danger"
            title="Cancel the replay"
            path={`/replays/${encodeURIComponent(replay.id)}/cancel`}
            effect="It stops, and nothing is compared."
          />
        ) : (
          <Act
            verb="Delete"
            look="danger"
            title="Delete the replay"
            path={`/replays/${encodeURIComponent(replay.id)}`}
            method="DELETE"
            effect="Its entry and the files that it made go for good."
            onDone={props.onDeleted}
          />
        )}
      </div>
      {replay.error && replay.status !== 'cancelled' && (
        <div className="flex flex-col gap-1 rounded-control bg-bad-quiet px-3 py-2" role="alert">
          <p className="font-strong">{replay.error.message}</p>
          <p className="text-muted">{replay.error.next}</p>
        </div>
      )}
      {replay.result && <Result result={replay.result} replay={replay} />}
    </div>
  );
}

const isOpen = ({ status }: Replay): boolean => status === 'queued' || status === 'running';

const METRICS: readonly (keyof ReplayMetrics)[] = ['logLoss', 'brier', 'accuracy', 'auc'];

function Result(props: { readonly result: ReplayOutputs; readonly replay: Replay }) {
  const { result, replay } = props;
  const { difference } = result;
  return (
    <>
      <section className="flex flex-col gap-1.5">
        <h3 className="font-strong">How far from what was answered</h3>
        <Facts
          facts={[
            ['Compared', `${formatCount(result.compared)} of ${plural(result.rows, 'row')}`],
            result.failedRows > 0 && ['Failed', plural(result.failedRows, 'row')],
            difference && ['Mean difference', formatNumber(difference.mean, 4)],
            difference && [
              'Half, 95 %, 99 % within',
              `${formatNumber(difference.p50, 4)}, ${formatNumber(difference.p95, 4)}, ${formatNumber(difference.p99, 4)}`,
            ],
            difference && ['Greatest', formatNumber(difference.max, 4)],
            result.compared > 0 && [
              'Decisions changed',
              `${formatCount(result.changedDecisions)} (${formatPercent(result.changedDecisions / result.compared)})`,
            ],
          ]}
        />
      </section>
      {result.labelled > 0 && (
        <section className="flex flex-col gap-1.5">
          <h3 className="font-strong">
            Against the truth{' '}
            <span className="font-normal text-label text-muted">
              on {formatCount(result.labelled)} labelled rows
            </span>
          </h3>
          <table className="w-full">
            <thead>
              <tr className="border-line border-b text-label text-muted">
                <th className="py-1 text-left font-normal">Metric</th>
                <th className="py-1 text-right font-normal">As answered</th>
                <th className="py-1 text-right font-normal">v{replay.modelVersion}</th>
              </tr>
            </thead>
            <tbody>
              {METRICS.map((name) => (
                <tr key={name} className="border-line border-b last:border-b-0">
                  <td className="py-1.5">
                    {metricText(name).title}{' '}
                    <span className="text-faint">{metricText(name).better === 'higher' ? '↑' : '↓'}</span>
                  </td>
                  <td className="py-1.5 text-right text-muted">{formatNumber(result.logged[name], 4)}</td>
                  <td className="py-1.5 text-right">{formatNumber(result.replayed[name], 4)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {result.examples.length > 0 && (
        <section className="flex flex-col gap-1.5">
          <h3 className="font-strong">Where they differ most</h3>
          <table className="w-full">
            <tbody>
              {result.examples.map((example) => (
                <tr key={example.predictionId} className="border-line border-b last:border-b-0">
                  <td className="max-w-44 truncate py-1.5">
                    <Link
                      to="/predictions"
                      search={{ endpoint: replay.endpoint, id: example.predictionId }}
                      className="font-mono text-accent text-label"
                    >
                      {example.predictionId}
                    </Link>
                  </td>
                  <td className="whitespace-nowrap py-1.5 text-right">
                    {formatNumber(example.loggedScore, 3)} → {formatNumber(example.replayedScore, 3)}
                  </td>
                  <td className="whitespace-nowrap py-1.5 pl-3 text-right text-muted">
                    {example.label === null ? 'truth unknown' : `it was ${example.label}`}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      <a
        href={apiUrl(`/blobs/${result.digest}`)}
        download={`replay-${replay.endpoint}-v${replay.modelVersion}.parquet`}
        className="inline-flex items-center gap-1.5 text-accent"
      >
        <Download size={14} aria-hidden /> Every row as Parquet ({formatBytes(result.sizeBytes)})
      </a>
    </>
  );
}
