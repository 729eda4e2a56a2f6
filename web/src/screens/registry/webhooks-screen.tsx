import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useCallback, useState } from 'react';
import type { Webhook } from '../../../../src/lifecycle/registry/webhooks/contract.ts';
import { webhooksQuery } from '../../api/registry.ts';
import { Button } from '../../kit/button.tsx';
import { Empty } from '../../kit/empty.tsx';
import { formatCount, plural } from '../../kit/format.ts';
import { Grid, type GridColumn } from '../../kit/grid.tsx';
import { Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryView } from '../../kit/panel.tsx';
import { StateMark } from '../../kit/state-mark.tsx';
import { Ago } from '../../kit/time.tsx';
import { WebhookForm } from './webhook-form.tsx';
import { WebhookPanel } from './webhook-panel.tsx';
import { eventsText, stateOfWebhook } from './webhook-text.ts';

const route = getRouteApi('/webhooks');

/** Who is told of changes in the registry, and did it arrive? */
export function WebhooksScreen() {
  const { webhook } = route.useSearch();
  const navigate = useNavigate({ from: '/webhooks' });
  const webhooks = useQuery(webhooksQuery());
  const [making, setMaking] = useState(false);
  const close = useCallback(() => void navigate({ search: {} }), [navigate]);
  const failed = (webhooks.data?.items ?? []).filter((each) => each.failedCount > 0).length;
  return (
    <Page full>
      <PageHead
        title="Webhooks"
        sentence={
          failed > 0
            ? `${plural(failed, 'webhook has', 'webhooks have')} deliveries that were given up.`
            : 'Addresses that are told of changes in the registry, in MLflow’s format.'
        }
        actions={
          <Button look="primary" icon={<Plus size={14} aria-hidden />} onClick={() => setMaking(true)}>
            New webhook
          </Button>
        }
      />
      <QueryView
        query={webhooks}
        rows={5}
        isEmpty={(page) => page.items.length === 0}
        empty={
          <Empty title="Nobody is told yet">
            A webhook has an address told when a version is registered, an alias moves or a tag changes.
            Deliveries are signed, survive restarts and are tried again for about 25 minutes.
          </Empty>
        }
      >
        {(page) => (
          <Card flush>
            <Grid
              label="Webhooks"
              rows={page.items}
              columns={COLUMNS}
              rowKey={(row) => row.id}
              openKey={webhook ?? null}
              narrowNote={({ url }) => url}
              onOpen={(row) => void navigate({ search: { webhook: row.id } })}
              footer={plural(page.items.length, 'webhook')}
            />
          </Card>
        )}
      </QueryView>
      {webhook && <WebhookPanel id={webhook} onClose={close} />}
      {making && (
        <WebhookForm
          onClose={() => setMaking(false)}
          onSaved={(made) => void navigate({ search: { webhook: made.id } })}
        />
      )}
    </Page>
  );
}

const COLUMNS: readonly GridColumn<Webhook>[] = [
  {
    id: 'name',
    head: 'Name',
    width: 'minmax(160px, 3fr)',
    cell: (row) => (
      <span className="flex min-w-0 items-center gap-1.5">
        <StateMark state={stateOfWebhook(row)} label="" />
        <span className="truncate font-strong" data-tip={row.name}>
          {row.name}
        </span>
      </span>
    ),
  },
  {
    id: 'url',
    head: 'Address',
    width: 'minmax(120px, 4fr)',
    wideOnly: true,
    cell: (row) => <span data-tip={row.url}>{row.url}</span>,
  },
  {
    id: 'events',
    head: 'Told of',
    width: 'minmax(120px, 4fr)',
    wideOnly: true,
    cell: (row) => (
      <span className="text-muted" data-tip={row.events.map((event) => eventsText([event])).join('\n')}>
        {eventsText(row.events)}
      </span>
    ),
  },
  {
    id: 'signed',
    head: 'Signed',
    width: '64px',
    wideOnly: 840,
    cell: (row) => (row.isSigned ? 'yes' : <span className="text-muted">no</span>),
  },
  {
    id: 'deliveries',
    head: 'Waiting, given up',
    width: '124px',
    align: 'right',
    wideOnly: true,
    cell: (row) => `${formatCount(row.pendingCount)}, ${formatCount(row.failedCount)}`,
  },
  {
    id: 'last',
    head: 'Last arrived',
    width: '96px',
    align: 'right',
    cell: (row) =>
      row.lastDeliveredAt ? (
        <Ago at={row.lastDeliveredAt} className="text-muted" />
      ) : (
        <span className="text-faint">never</span>
      ),
  },
];
