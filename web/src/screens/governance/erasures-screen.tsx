import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { Eraser } from 'lucide-react';
import { useCallback, useState } from 'react';
import type { Erasure } from '../../../../src/lifecycle/governance/contract.ts';
import { erasuresQuery } from '../../api/queries.ts';
import { Button } from '../../kit/button.tsx';
import { Empty } from '../../kit/empty.tsx';
import { plural } from '../../kit/format.ts';
import { Grid, type GridColumn } from '../../kit/grid.tsx';
import { Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryView } from '../../kit/panel.tsx';
import { StateLabel } from '../../kit/state-mark.tsx';
import { Ago } from '../../kit/time.tsx';
import { useRows } from '../../kit/use-rows.ts';
import { EraseDialog } from './erase-dialog.tsx';
import { ErasurePanel } from './erasure-panel.tsx';
import { erasureState, isUnderWay, outcomeText } from './erasure-text.ts';

const route = getRouteApi('/erasures');
const POLL_MS = 2000;

/** Whose data had to go, and is all of it gone? */
export function ErasuresScreen() {
  const { erasure } = route.useSearch();
  const navigate = useNavigate({ from: '/erasures' });
  const erasures = useInfiniteQuery({
    ...erasuresQuery(),
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some(isUnderWay)) ? POLL_MS : false,
  });
  const { rows, more } = useRows(erasures);
  const [asking, setAsking] = useState(false);
  const open = useCallback((id: string) => void navigate({ search: { erasure: id } }), [navigate]);
  const close = useCallback(() => void navigate({ search: {} }), [navigate]);
  const underWay = rows.filter(isUnderWay).length;
  return (
    <Page full>
      <PageHead
        title="Erasures"
        sentence={
          underWay > 0
            ? `${plural(underWay, 'erasure')} under way.`
            : 'What people asked to have erased. No entry names whom it was about.'
        }
        actions={
          <Button look="danger" icon={<Eraser size={14} aria-hidden />} onClick={() => setAsking(true)}>
            Erase an entity
          </Button>
        }
      />
      <QueryView
        query={erasures}
        rows={6}
        isEmpty={() => rows.length === 0}
        empty={
          <Empty
            title="Nothing was erased yet"
            type={`millrace erase --entity customer-81 --reason "request 117" --url ${location.origin}`}
          >
            An erasure takes an entity’s predictions, labels and signals out of the log, and deletes the files
            that were made of them. Begin one here, or from a terminal:
          </Empty>
        }
      >
        {() => (
          <Card flush>
            <Grid
              label="Erasures"
              rows={rows}
              columns={COLUMNS}
              rowKey={(row) => row.id}
              openKey={erasure ?? null}
              onOpen={(row) => open(row.id)}
              onEnd={more}
              narrowNote={(row) => row.reason}
              footer={erasures.hasNextPage ? 'Newest first; scroll for more' : `All ${rows.length} shown`}
            />
          </Card>
        )}
      </QueryView>
      {erasure && <ErasurePanel id={erasure} onClose={close} />}
      {asking && <EraseDialog onClose={() => setAsking(false)} onBegun={open} />}
    </Page>
  );
}

const COLUMNS: readonly GridColumn<Erasure>[] = [
  {
    id: 'state',
    head: 'State',
    width: 'minmax(104px, 120px)',
    cell: (row) => {
      const { state, word } = erasureState(row);
      return <StateLabel state={state}>{word}</StateLabel>;
    },
  },
  {
    id: 'endpoint',
    head: 'At',
    width: 'minmax(100px, 1fr)',
    cell: (row) => row.endpoint ?? <span className="text-muted">all endpoints</span>,
  },
  {
    id: 'outcome',
    head: 'What went',
    width: 'minmax(180px, 3fr)',
    wideOnly: true,
    cell: (row) => <span data-tip={outcomeText(row)}>{outcomeText(row)}</span>,
  },
  {
    id: 'reason',
    head: 'Why',
    width: 'minmax(140px, 2fr)',
    wideOnly: true,
    cell: (row) => (
      <span className="text-muted" data-tip={row.reason}>
        {row.reason}
      </span>
    ),
  },
  {
    id: 'at',
    head: 'Asked',
    width: '90px',
    align: 'right',
    cell: (row) => <Ago at={row.requestedAt} className="text-muted" />,
  },
];
