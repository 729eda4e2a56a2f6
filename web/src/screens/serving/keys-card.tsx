import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import type { CreatedEndpointKey, EndpointKey } from '../../../../src/lifecycle/serving/keys/contract.ts';
import { post } from '../../api/client.ts';
import { refusalAt } from '../../api/problem.ts';
import { endpointKeysQuery } from '../../api/queries.ts';
import { Act } from '../../kit/act.tsx';
import { Button } from '../../kit/button.tsx';
import { useNow } from '../../kit/clock.ts';
import { ConfirmDialog } from '../../kit/confirm.tsx';
import { EmptyLine } from '../../kit/empty.tsx';
import { DateTimeField, ReasonField, TextField } from '../../kit/fields.tsx';
import { QueryCard } from '../../kit/panel.tsx';
import { Scroll } from '../../kit/scroll.tsx';
import { Snippet } from '../../kit/snippet.tsx';
import { StateLabel } from '../../kit/state-mark.tsx';
import { Ago } from '../../kit/time.tsx';

/** The keys that open an endpoint: who has one, until when, and ending one at once. */
export function KeysCard(props: { readonly endpoint: string; readonly required: boolean }) {
  const { endpoint, required } = props;
  const keys = useQuery(endpointKeysQuery());
  return (
    <QueryCard
      title="Keys"
      note={required ? 'callers must show one' : 'not asked for: see the options'}
      query={keys}
      actions={<MakeKey endpoint={endpoint} />}
      isEmpty={(page) => opening(page.items, endpoint).length === 0}
      empty={<EmptyLine>No key opens this endpoint yet.</EmptyLine>}
    >
      {(page) => (
        <Scroll label="Keys of this endpoint" className="max-h-96">
          <ul className="flex flex-col gap-2">
            {opening(page.items, endpoint).map((key) => (
              <KeyRow key={key.id} of={key} />
            ))}
          </ul>
        </Scroll>
      )}
    </QueryCard>
  );
}

function KeyRow(props: { readonly of: EndpointKey }) {
  const key = props.of;
  const now = useNow();
  const hasEnded = key.expiresAt !== null && Date.parse(key.expiresAt) <= Math.max(now, Date.now());
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <span className="wrap-anywhere min-w-0 flex-1">
        <bdi className={hasEnded ? 'text-muted' : 'font-strong'}>{key.name}</bdi>{' '}
        <code className="text-muted">{key.hint}…</code>{' '}
        <span className="text-label text-muted">
          {key.endpoints === null ? 'every endpoint, ' : ''}
          {key.actions.join(', ')}, made <Ago at={key.createdAt} />
          {key.expiresAt && !hasEnded && (
            <>
              , ends <Ago at={key.expiresAt} />
            </>
          )}
        </span>
        {key.expiresAt && hasEnded && (
          <span className="text-label">
            {' '}
            <StateLabel state="none">
              ended <Ago at={key.expiresAt} />
            </StateLabel>
          </span>
        )}
      </span>
      {hasEnded ? (
        <Act
          verb="Remove"
          title={`Remove the key of ${key.name}`}
          effect="It opens nothing any more. The audit trail keeps who made it."
          path={`/endpoint-keys/${encodeURIComponent(key.id)}/revoke`}
        />
      ) : (
        <Act
          verb="Revoke"
          look="danger"
          title={`Revoke the key of ${key.name}`}
          effect="Whoever shows it is refused at once."
          path={`/endpoint-keys/${encodeURIComponent(key.id)}/revoke`}
        />
      )}
    </li>
  );
}

function opening(keys: readonly EndpointKey[], endpoint: string): readonly EndpointKey[] {
  return keys.filter((key) => !key.revokedAt && (key.endpoints?.includes(endpoint) ?? true));
}

/** Asks for whom and why, then shows the key, once. */
function MakeKey(props: { readonly endpoint: string }) {
  const [open, setOpen] = useState(false);
  const [name, setName] = useState('');
  const [expiresAt, setExpiresAt] = useState('');
  const [reason, setReason] = useState('');
  const queries = useQueryClient();
  const make = useMutation({
    mutationFn: () =>
      post<CreatedEndpointKey>('/endpoint-keys', {
        name: name.trim(),
        endpoints: [props.endpoint],
        expiresAt: expiresAt === '' ? null : `${expiresAt}:00Z`,
        reason: reason.trim(),
      }),
    onSuccess: () => void queries.invalidateQueries({ queryKey: ['endpoint-keys'] }),
  });
  const close = (): void => {
    setOpen(false);
    // Whoever leaves amid it is shown the key all the same: nobody could see it later.
    if (make.isPending) return;
    make.reset();
    setName('');
    setExpiresAt('');
    setReason('');
  };
  const made = make.data;
  const refusal = refusalAt(make.error, ['name', 'expiresAt', 'reason']);
  return (
    <>
      <Button icon={<Plus size={14} aria-hidden />} onClick={() => setOpen(true)}>
        New key
      </Button>
      <ConfirmDialog
        open={open || made !== undefined}
        title={made ? `The key of ${made.name}` : `New key for ${props.endpoint}`}
        verb={made ? 'I have kept it' : 'Make'}
        busy={make.isPending}
        done={made !== undefined}
        disabled={!made && (name.trim() === '' || reason.trim() === '')}
        error={refusal.rest}
        onClose={close}
        onConfirm={() => (made ? close() : make.mutate())}
      >
        {made ? (
          <>
            <p>It is shown only now; what is kept is its digest.</p>
            <Snippet text={`authorization: Bearer ${made.key}`} />
          </>
        ) : (
          <>
            <TextField
              label="Whose key it is"
              value={name}
              onChange={setName}
              placeholder="billing service"
              problem={refusal.at.name}
            />
            <DateTimeField
              label="Ends at (empty: when it is revoked)"
              value={expiresAt}
              onChange={setExpiresAt}
              above
              problem={refusal.at.expiresAt}
            />
            <ReasonField
              value={reason}
              onChange={setReason}
              placeholder="For instance: asked for by Ana"
              problem={refusal.at.reason}
            />
          </>
        )}
      </ConfirmDialog>
    </>
  );
}
