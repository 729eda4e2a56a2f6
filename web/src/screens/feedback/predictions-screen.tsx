import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { Download } from 'lucide-react';
import { useCallback } from 'react';
import type { FeedbackSummary } from '../../../../src/lifecycle/feedback/contract.ts';
import { apiUrl } from '../../api/client.ts';
import { allEndpointsQuery, feedbackQuery, labelDelaysQuery } from '../../api/queries.ts';
import { useEndpoint } from '../../api/use-endpoint.ts';
import { Chooser } from '../../kit/chooser.tsx';
import { Empty } from '../../kit/empty.tsx';
import { endpointOption, inServiceFirst } from '../../kit/endpoints/endpoint-options.ts';
import { Choice } from '../../kit/fields.tsx';
import { formatCount, formatDuration, plural } from '../../kit/format.ts';
import { Missing } from '../../kit/missing.tsx';
import { Page, PageHead } from '../../kit/page.tsx';
import { QueryView } from '../../kit/panel.tsx';
import { compact } from '../../kit/search-params.ts';
import { FilterBar } from './filter-bar.tsx';
import { LabelsView } from './labels-view.tsx';
import { PredictionGrid } from './prediction-grid.tsx';
import { PredictionPanel } from './prediction-panel.tsx';
import { BeginReplay } from './replay-begin.tsx';
import { ReplayPanel } from './replay-panel.tsx';
import { ReplaysView } from './replays-view.tsx';
import { filtersOf, type PredictionsSearch, type SearchChange } from './search.ts';

const route = getRouteApi('/predictions');

/** What did we answer, to whom, and was it right? */
export function PredictionsScreen() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/predictions' });
  const endpoints = useQuery(allEndpointsQuery());
  const listed = inServiceFirst(endpoints.data?.items ?? []);
  const names = listed.map((each) => each.name);
  const endpoint = useEndpoint(search.endpoint, names);
  const set = useCallback(
    (change: SearchChange) =>
      void navigate({
        search: (old) => compact({ ...old, ...change }),
        replace: !('id' in change || 'replay' in change || 'view' in change),
      }),
    [navigate],
  );
  const close = useCallback(() => set({ id: undefined, replay: undefined }), [set]);
  const view = search.view ?? 'log';
  if (endpoints.data && search.endpoint && !names.includes(search.endpoint)) {
    return (
      <Page>
        <Missing what="endpoint" name={search.endpoint} list="/predictions" listName="Predictions" />
      </Page>
    );
  }
  return (
    <Page full>
      <PageHead
        title="Predictions"
        sentence={endpoint && <Counts endpoint={endpoint} />}
        actions={
          endpoint && (
            <>
              {names.length > 1 && (
                <Chooser
                  label="Endpoint"
                  value={endpoint}
                  options={listed.map(endpointOption)}
                  onChange={(value) => set({ endpoint: value, id: undefined, replay: undefined })}
                />
              )}
              <Choice
                label="View"
                value={view}
                options={[
                  ['log', 'Log'],
                  ['labels', 'Labels'],
                  ['replays', 'Replays'],
                ]}
                onChange={(next) =>
                  set({ view: next === 'log' ? undefined : next, id: undefined, replay: undefined })
                }
              />
              {view === 'log' && <ExportLink endpoint={endpoint} search={search} />}
              {view !== 'labels' && (
                <BeginReplay
                  endpoint={endpoint}
                  from={search.from}
                  to={search.to}
                  onBegun={(replay) => set({ view: 'replays', replay, id: undefined })}
                />
              )}
            </>
          )
        }
      />
      <QueryView
        query={endpoints}
        rows={8}
        isEmpty={(page) => page.items.length === 0 && search.endpoint === undefined}
        empty={
          <Empty title="No prediction yet" type={`millrace apply loop.yaml --url ${location.origin}`}>
            Every answer of every endpoint is listed here, with its label once it comes. There is no endpoint
            yet; a loop makes one, or a version is deployed from its own screen.
          </Empty>
        }
      >
        {() =>
          endpoint &&
          (view === 'labels' ? (
            <LabelsView endpoint={endpoint} search={search} set={set} />
          ) : view === 'replays' ? (
            <ReplaysView endpoint={endpoint} search={search} set={set} />
          ) : (
            <>
              <FilterBar key={endpoint} endpoint={endpoint} search={search} set={set} />
              <PredictionGrid endpoint={endpoint} search={search} set={set} />
            </>
          ))
        }
      </QueryView>
      {search.id && endpoint && <PredictionPanel endpoint={endpoint} id={search.id} onClose={close} />}
      {search.replay && <ReplayPanel id={search.replay} onClose={close} />}
    </Page>
  );
}

/** The rows that are shown, as a file. */
function ExportLink(props: { readonly endpoint: string; readonly search: PredictionsSearch }) {
  const { endpoint, search } = props;
  return (
    <a
      href={apiUrl('/prediction-exports', { ...filtersOf(search), endpoint })}
      download={`${endpoint}.parquet`}
      data-tip="These rows with features, outputs and labels, as Parquet"
      className="inline-flex h-7 items-center gap-1.5 rounded-control border border-line-strong bg-surface px-2.5 hover:bg-sunken pointer-coarse:h-9"
    >
      <Download size={14} aria-hidden /> Export
    </a>
  );
}

/** `, of which 5 failed and 60 were refused for what was sent`: what is the server's fault, and what the caller's. */
function failedText({ failed, refused }: FeedbackSummary['total']): string {
  const parts = [
    ...(failed > refused ? [`${formatCount(failed - refused)} failed`] : []),
    ...(refused > 0
      ? [`${formatCount(refused)} ${refused === 1 ? 'was' : 'were'} refused for what was sent`]
      : []),
  ];
  return parts.length === 0 ? '' : `, of which ${parts.join(' and ')}`;
}

/** While control counts slowly it may give an older count, and no event need follow that would have it asked again. */
const COUNTS_AGAIN_MS = 15_000;

function Counts(props: { readonly endpoint: string }) {
  const feedback = useQuery({ ...feedbackQuery(props.endpoint), refetchInterval: COUNTS_AGAIN_MS });
  const delays = useQuery(labelDelaysQuery(props.endpoint));
  const delayMs = delays.data?.total.delayMs;
  if (!feedback.data) return null;
  const { total, waitingByEntity } = feedback.data;
  const unfit = total.orphans + waitingByEntity;
  return (
    <>
      {plural(total.predictions, 'prediction')}
      {failedText(total)}; {formatCount(total.joined)} with a label, {formatCount(total.waiting)} without one
      yet
      {unfit > 0 && `; ${plural(unfit, 'label')} ${unfit === 1 ? 'fits' : 'fit'} no prediction`}.
      {delayMs &&
        ` Half of the labels are known within ${formatDuration(delayMs.p50)}, 95\u202f% within ${formatDuration(delayMs.p95)}.`}
    </>
  );
}
