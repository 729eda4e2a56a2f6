import { useInfiniteQuery } from '@tanstack/react-query';
import type { OtherHashKey, Prediction } from '../../../../src/lifecycle/feedback/contract.ts';
import { predictionsQuery } from '../../api/queries.ts';
import { Button } from '../../kit/button.tsx';
import { Empty } from '../../kit/empty.tsx';
import { formatCount, formatMoment, formatMomentInFull, formatNumber, plural } from '../../kit/format.ts';
import { Grid, type GridColumn } from '../../kit/grid.tsx';
import { ArmSwatch, armStroke } from '../../kit/identity.tsx';
import { Card, QueryView } from '../../kit/panel.tsx';
import { NewsNote, useReading } from '../../kit/reading.tsx';
import { StateLabel, StateMark } from '../../kit/state-mark.tsx';
import { EventTimeMark } from '../../kit/time.tsx';
import { useRows } from '../../kit/use-rows.ts';
import { hasFailed } from '../serving/recent-answers.ts';
import { filtersOf, noFilters, type PredictionsSearch, type SearchChange } from './search.ts';

/** The rows of the log that pass the filters, newest event time first. */
export function PredictionGrid(props: {
  readonly endpoint: string;
  readonly search: PredictionsSearch;
  readonly set: (change: SearchChange) => void;
}) {
  const { endpoint, search, set } = props;
  const filters = filtersOf(search);
  const { reading, news } = useReading('predictions');
  const predictions = useInfiniteQuery({
    ...predictionsQuery({ ...filters, endpoint, limit: 100 }),
    enabled: !reading,
  });
  const { rows, more } = useRows(predictions);
  const opened = rows.find((row) => row.predictionId === search.id);
  return (
    <>
      <OtherKeysNote keys={predictions.data?.pages[0]?.otherKeys ?? []} />
      <QueryView
        query={predictions}
        rows={10}
        isEmpty={() => rows.length === 0}
        empty={
          Object.keys(filters).length > 0 ? (
            <Empty title="No prediction fits these filters">
              <Button onClick={() => set(noFilters)}>Show all predictions</Button>
            </Empty>
          ) : (
            <Empty title={`${endpoint} has not been asked yet`}>
              Its answers appear here some seconds after they are given. How to ask it stands on its
              deployment screen.
            </Empty>
          )
        }
      >
        {() => (
          <Card flush>
            <NewsNote news={news} />
            <Grid
              label="Predictions"
              rows={rows}
              columns={rows.some((row) => row.firstPieceMs !== null) ? withFirstPiece(COLUMNS) : COLUMNS}
              rowKey={keyOf}
              openKey={opened ? keyOf(opened) : null}
              onOpen={(row) => set({ id: row.predictionId })}
              onEnd={more}
              footer={
                predictions.isFetchingNextPage
                  ? 'Loading more'
                  : predictions.hasNextPage
                    ? 'Newest first; scroll for more'
                    : `All ${formatCount(rows.length)} shown`
              }
            />
          </Card>
        )}
      </QueryView>
    </>
  );
}

/** Says of a search for an entity which rows it cannot look into. */
function OtherKeysNote(props: { readonly keys: readonly OtherHashKey[] }) {
  return props.keys.map((other) => (
    <p key={`${other.replicaId} ${other.logHashKey}`} role="status" className="mb-3 text-body">
      <StateLabel state="watch">not searched</StateLabel> {plural(other.rows, 'row')} from{' '}
      {formatMoment(Date.parse(other.from))} to {formatMoment(Date.parse(other.to))} UTC: replica{' '}
      {other.replicaId} hashed their entities with another log-hash.key than control’s. Search for the entity
      as such a row shows it.
    </p>
  ));
}

const keyOf = (row: Prediction): string => `${row.predictionId} ${row.arm}`;

/** The score, as a bar where it is a share. */
function Score(props: { readonly row: Prediction }) {
  const { score, arm } = props.row;
  if (score === null) return <span className="text-faint">–</span>;
  const isShare = score >= 0 && score <= 1;
  return (
    <span className="flex items-center gap-2">
      {isShare && (
        <span className="h-1.5 min-w-0 max-w-20 flex-1 overflow-hidden rounded-full bg-sunken">
          <span
            className="block h-full opacity-70"
            style={{ width: `${score * 100}%`, background: armStroke(arm).colour }}
          />
        </span>
      )}
      {isShare ? score.toFixed(3) : String(Number(score.toPrecision(6)))}
    </span>
  );
}

/** Stands before the latency where some answers came in pieces. */
const FIRST_PIECE: GridColumn<Prediction> = {
  id: 'first-piece',
  head: 'First piece, ms',
  width: '96px',
  align: 'right',
  wideOnly: true,
  cell: (row) =>
    row.firstPieceMs === null ? (
      <span className="text-faint">–</span>
    ) : (
      <span data-tip="It was answered in pieces: until the first of them">
        {formatNumber(row.firstPieceMs, 2)}
      </span>
    ),
};

const withFirstPiece = (columns: readonly GridColumn<Prediction>[]): readonly GridColumn<Prediction>[] =>
  columns.flatMap((column) => (column.id === 'latency' ? [FIRST_PIECE, column] : [column]));

/** What became of a request that got no answer, in a word. */
const outcomeOf = (row: Prediction) =>
  row.refused
    ? (['none', 'refused'] as const)
    : hasFailed(row)
      ? (['bad', 'failed'] as const)
      : (['none', 'no answer'] as const);

/** A state with words that may be too long for their column. */
function Outcome(props: { readonly row: Prediction; readonly children: string }) {
  const [state] = outcomeOf(props.row);
  return (
    <span className="flex items-center gap-1.5" data-tip={props.row.error ?? props.children}>
      <StateMark state={state} label="" />
      <span className="truncate">{props.children}</span>
    </span>
  );
}

/** What turned out; of a long number or text the beginning, all of it on hover. */
function LabelValue(props: { readonly value: unknown }) {
  const text = String(props.value);
  const short = typeof props.value === 'number' ? String(Number(props.value.toPrecision(6))) : text;
  return (
    <bdi className="truncate" data-tip={short === text && text.length < 8 ? undefined : text}>
      {short}
    </bdi>
  );
}

/** Where not all columns have room those go first that the others or the opened row tell too; with a first piece's time. */
const STATUS_FROM_PX = 1000;
const ID_FROM_PX = 1130;

const COLUMNS: readonly GridColumn<Prediction>[] = [
  {
    id: 'time',
    head: (
      <span className="inline-flex items-center gap-1">
        Event time, UTC <EventTimeMark />
      </span>
    ),
    width: '124px',
    cell: (row) => {
      const ms = Date.parse(row.eventTime);
      return (
        <time dateTime={row.eventTime} data-tip={formatMomentInFull(ms)}>
          {formatMoment(ms)}
        </time>
      );
    },
  },
  {
    id: 'entity',
    wideOnly: true,
    head: 'Entity',
    width: 'minmax(96px, 1fr)',
    cell: (row) =>
      row.entity === null ? (
        <span className="text-faint">none</span>
      ) : (
        <span data-tip={row.entity}>{row.entity}</span>
      ),
  },
  { id: 'score', head: 'Score', width: 'minmax(84px, 130px)', cell: (row) => <Score row={row} /> },
  {
    id: 'label',
    head: 'Turned out',
    width: '92px',
    cell: (row) =>
      row.label === null ? (
        // Nothing was said to whoever asked, so there is nothing that could turn out right or wrong.
        row.status === 'ok' ? (
          <span className="text-faint">waiting</span>
        ) : (
          <Outcome row={row}>{outcomeOf(row)[1]}</Outcome>
        )
      ) : (
        <span className="flex min-w-0 gap-2">
          <LabelValue value={row.label.value} />
          {row.outcome && (
            <span className="text-muted">{row.outcome === 'correct' ? '✓ right' : '✕ wrong'}</span>
          )}
        </span>
      ),
  },
  {
    id: 'version',
    head: 'Answered by',
    width: 'minmax(120px, 150px)',
    wideOnly: true,
    cell: (row) => (
      <span className="flex min-w-0 items-center gap-2">
        <ArmSwatch arm={row.arm} /> v{row.modelVersion}{' '}
        <span className="min-w-0 truncate text-muted" data-tip={row.arm}>
          {row.arm}
        </span>
      </span>
    ),
  },
  {
    id: 'status',
    head: 'Status',
    width: 'minmax(132px, 0.8fr)',
    wideOnly: STATUS_FROM_PX,
    cell: (row) =>
      row.status === 'ok' ? (
        <span className="text-muted">ok</span>
      ) : (
        <Outcome row={row}>{row.status.replaceAll('_', ' ')}</Outcome>
      ),
  },
  {
    id: 'latency',
    head: 'Latency, ms',
    width: '84px',
    align: 'right',
    wideOnly: true,
    cell: (row) => <span className="text-muted">{formatNumber(row.latencyMs, 2)}</span>,
  },
  {
    id: 'id',
    head: 'Prediction id',
    width: 'minmax(110px, 1.2fr)',
    wideOnly: ID_FROM_PX,
    cell: (row) => (
      <span className="font-mono text-label text-muted" data-tip={row.predictionId}>
        {row.predictionId}
      </span>
    ),
  },
];
