import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type {
  Webhook,
  WebhookDelivery,
  WebhookDeliveryDetail,
  WebhookTestResult,
} from '../../../../src/lifecycle/registry/webhooks/contract.ts';
import { post, send } from '../../api/client.ts';
import { deliveriesQuery, deliveryQuery, webhookQuery } from '../../api/registry.ts';
import { Button } from '../../kit/button.tsx';
import { ConfirmDialog } from '../../kit/confirm.tsx';
import { EmptyLine } from '../../kit/empty.tsx';
import { Facts } from '../../kit/facts.tsx';
import { formatCount } from '../../kit/format.ts';
import { ProblemNote, QueryView } from '../../kit/panel.tsx';
import { SidePanel } from '../../kit/side-panel.tsx';
import { Snippet } from '../../kit/snippet.tsx';
import { StateLabel, StateMark } from '../../kit/state-mark.tsx';
import { Ago } from '../../kit/time.tsx';
import { WebhookForm } from './webhook-form.tsx';
import { DELIVERY_STATE, deliveryText, eventsText, stateOfWebhook } from './webhook-text.ts';

/** One webhook: where it goes, a try, and what came of the last deliveries. */
export function WebhookPanel(props: { readonly id: string; readonly onClose: () => void }) {
  const webhook = useQuery(webhookQuery(props.id));
  return (
    <SidePanel title={webhook.data?.name ?? 'Webhook'} label="Webhook" onClose={props.onClose}>
      <QueryView query={webhook} rows={6}>
        {(data) => <WebhookBody webhook={data} onGone={props.onClose} />}
      </QueryView>
    </SidePanel>
  );
}

function WebhookBody(props: { readonly webhook: Webhook; readonly onGone: () => void }) {
  const { webhook, onGone } = props;
  const deliveries = useQuery(deliveriesQuery(webhook.id));
  return (
    <div className="flex flex-col gap-5">
      <WebhookActs webhook={webhook} onGone={onGone} />
      <Facts
        facts={[
          [
            'State',
            <StateLabel key="state" state={stateOfWebhook(webhook)}>
              {webhook.status === 'ACTIVE' ? 'active' : 'disabled'}
            </StateLabel>,
          ],
          [
            'Address',
            <span key="url" className="break-all">
              {webhook.url}
            </span>,
          ],
          ['Told when', eventsText(webhook.events)],
          ['Signed', webhook.isSigned ? 'yes' : 'no'],
          ['Waiting', formatCount(webhook.pendingCount)],
          ['Given up', formatCount(webhook.failedCount)],
          [
            'Last arrived',
            webhook.lastDeliveredAt ? <Ago key="last" at={webhook.lastDeliveredAt} /> : 'never',
          ],
          webhook.description !== '' && ['About', webhook.description],
        ]}
      />
      <section className="flex flex-col gap-1.5">
        <h3 className="font-strong">Last deliveries</h3>
        <QueryView
          query={deliveries}
          isEmpty={(page) => page.items.length === 0}
          empty={<EmptyLine>Nothing has happened that it is told of.</EmptyLine>}
        >
          {(page) => (
            <ul className="flex flex-col">
              {page.items.map((delivery) => (
                <Delivery key={delivery.id} delivery={delivery} />
              ))}
            </ul>
          )}
        </QueryView>
      </section>
    </div>
  );
}

function WebhookActs(props: { readonly webhook: Webhook; readonly onGone: () => void }) {
  const { webhook, onGone } = props;
  const [asked, setAsked] = useState<'change' | 'delete' | null>(null);
  const path = `/webhooks/${encodeURIComponent(webhook.id)}`;
  const queries = useQueryClient();
  const fresh = (): void => void queries.invalidateQueries({ queryKey: ['webhooks'] });
  const isActive = webhook.status === 'ACTIVE';
  const trial = useMutation({ mutationFn: () => post<WebhookTestResult>(`${path}/test`, {}) });
  const toggle = useMutation({
    mutationFn: () => send<Webhook>('PATCH', path, { status: isActive ? 'DISABLED' : 'ACTIVE' }),
    onSuccess: fresh,
  });
  const remove = useMutation({
    mutationFn: () => send<unknown>('DELETE', path),
    onSuccess: () => {
      onGone();
      fresh();
    },
  });
  const result = trial.data;
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap gap-2">
        <Button look="primary" disabled={trial.isPending} onClick={() => trial.mutate()}>
          {trial.isPending ? 'Sending' : 'Send a test'}
        </Button>
        <Button onClick={() => setAsked('change')}>Change</Button>
        <Button disabled={toggle.isPending} onClick={() => toggle.mutate()}>
          {isActive ? 'Disable' : 'Enable'}
        </Button>
        <Button look="danger" onClick={() => setAsked('delete')}>
          Delete
        </Button>
      </div>
      {result && (
        <p className="flex items-baseline gap-2" role="status">
          <StateMark state={result.success ? 'good' : 'bad'} />
          <span className="min-w-0 break-words">
            {result.success ? 'The test arrived' : 'The test did not arrive'}
            {result.responseStatus === null ? '' : `: answered ${result.responseStatus}`}
            {result.errorMessage ? `: ${result.errorMessage}` : ''}.
          </span>
        </p>
      )}
      {[trial.error, toggle.error].map((error) => error && <ProblemNote key={error.message} error={error} />)}
      {asked === 'change' && (
        <WebhookForm webhook={webhook} onClose={() => setAsked(null)} onSaved={() => {}} />
      )}
      <ConfirmDialog
        open={asked === 'delete'}
        title={`Delete ${webhook.name}?`}
        verb="Delete"
        look="danger"
        busy={remove.isPending}
        error={remove.error}
        onClose={() => setAsked(null)}
        onConfirm={() => remove.mutate()}
      >
        What waits for it is cancelled, and nobody is told there any more.
      </ConfirmDialog>
    </div>
  );
}

/** One delivery; opened, what is sent and what was answered. */
function Delivery(props: { readonly delivery: WebhookDelivery }) {
  const { delivery } = props;
  const [open, setOpen] = useState(false);
  return (
    <li className="border-line border-b py-1.5 last:border-b-0">
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="grid w-full grid-cols-[1fr_max-content] gap-x-3 text-left"
      >
        <StateLabel state={DELIVERY_STATE[delivery.status]}>{eventsText([delivery.event])}</StateLabel>
        <Ago at={delivery.createdAt} className="text-label text-muted" />
        <span className="col-span-2 break-words pl-4 text-label text-muted">
          {deliveryText(delivery)}
          {delivery.nextAttemptAt && (
            <>
              , tried again <Ago at={delivery.nextAttemptAt} />
            </>
          )}
        </span>
      </button>
      {open && <DeliveryDetail id={delivery.id} />}
    </li>
  );
}

function DeliveryDetail(props: { readonly id: string }) {
  const detail = useQuery(deliveryQuery(props.id));
  const queries = useQueryClient();
  const again = useMutation({
    mutationFn: () => post<unknown>(`/webhook-deliveries/${encodeURIComponent(props.id)}/redeliver`, {}),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['webhooks'] }),
  });
  return (
    <QueryView query={detail}>
      {(data: WebhookDeliveryDetail) => (
        <div className="flex flex-col gap-2 py-2 pl-4">
          <Snippet text={data.body} />
          {data.responseBody && (
            <p className="break-words text-label text-muted">Answered: {data.responseBody}</p>
          )}
          {data.status !== 'pending' && (
            <div>
              <Button disabled={again.isPending} onClick={() => again.mutate()}>
                Send it once more
              </Button>
            </div>
          )}
          {again.error && <ProblemNote error={again.error} />}
        </div>
      )}
    </QueryView>
  );
}
