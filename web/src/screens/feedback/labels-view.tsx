import { useQuery } from '@tanstack/react-query';
import { labelConflictsQuery, waitingLabelsQuery } from '../../api/queries.ts';
import { EmptyLine } from '../../kit/empty.tsx';
import { formatCount } from '../../kit/format.ts';
import { QueryCard } from '../../kit/panel.tsx';
import { Scroll } from '../../kit/scroll.tsx';
import { EventTime } from '../../kit/time.tsx';
import { LabelDaysCard } from './label-days-card.tsx';
import { DaysCard } from './label-days-table.tsx';
import { DelaysCard, type ViewProps } from './label-delays-card.tsx';
import { LabelQueriesCard } from './label-queries/label-queries-card.tsx';
import { LabelSource } from './label-source.tsx';
import { UploadsCard } from './label-uploads-card.tsx';

/** How the truth comes in: how late, for whom it is missing, what contradicts itself, what fits nothing. */
export function LabelsView(props: ViewProps) {
  return (
    <div className="grid items-start gap-4 lg:grid-cols-2">
      <LabelDaysCard endpoint={props.endpoint} />
      <DelaysCard {...props} />
      <DaysCard endpoint={props.endpoint} />
      <div className="flex min-w-0 flex-col gap-4">
        <ConflictsCard {...props} />
        <WaitingCard endpoint={props.endpoint} />
      </div>
      <UploadsCard endpoint={props.endpoint} />
      <LabelQueriesCard endpoint={props.endpoint} />
    </div>
  );
}

function ConflictsCard(props: ViewProps) {
  const conflicts = useQuery(labelConflictsQuery(props.endpoint));
  return (
    <QueryCard
      title="Labelled differently"
      note="the last by event time counts"
      query={conflicts}
      isEmpty={(page) => page.items.length === 0}
      empty={<EmptyLine>No prediction has labels that contradict each other.</EmptyLine>}
    >
      {(page) => (
        <Scroll label="Conflicting labels" className="max-h-80">
          <ul className="flex flex-col">
            {page.items.map((conflict) => (
              <li
                key={conflict.predictionId}
                className="flex items-baseline gap-3 border-line border-b py-1.5 last:border-b-0"
              >
                <button
                  type="button"
                  onClick={() => props.set({ id: conflict.predictionId })}
                  className="min-w-0 truncate font-mono text-accent text-label"
                >
                  {conflict.predictionId}
                </button>
                <span className="ml-auto whitespace-nowrap text-muted">
                  {conflict.values.map(String).join(', ')} of {formatCount(conflict.labels)} labels
                </span>
                <span className="whitespace-nowrap">{String(conflict.counts)} counts</span>
              </li>
            ))}
          </ul>
        </Scroll>
      )}
    </QueryCard>
  );
}

function WaitingCard(props: { readonly endpoint: string }) {
  const waiting = useQuery(waitingLabelsQuery(props.endpoint));
  return (
    <QueryCard
      title="Fit no prediction"
      note="kept, and joined as soon as the prediction is there"
      query={waiting}
      isEmpty={(page) => page.items.length === 0}
      empty={<EmptyLine>Every label found its prediction.</EmptyLine>}
    >
      {(page) => (
        <Scroll label="Labels that wait" className="max-h-80">
          <ul className="flex flex-col">
            {page.items.map((label) => (
              <li
                key={label.id}
                className="flex flex-wrap items-baseline gap-x-3 border-line border-b py-1.5 last:border-b-0"
              >
                <span className="min-w-0 break-all font-mono text-label">
                  {label.predictionId ?? (
                    <>
                      entity <bdi>{label.entity}</bdi>
                    </>
                  )}
                </span>
                <span className="text-muted">
                  {label.at !== null && (
                    <>
                      asked at <EventTime at={label.at} precise />,{' '}
                    </>
                  )}
                  {label.signal ?? 'label'} <bdi>{String(label.value)}</bdi>,{' '}
                  <LabelSource source={label.source} endpoint={props.endpoint} />
                </span>
                <EventTime at={label.eventTime} precise className="ml-auto text-label text-muted" />
              </li>
            ))}
          </ul>
        </Scroll>
      )}
    </QueryCard>
  );
}
