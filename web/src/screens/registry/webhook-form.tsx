import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Webhook } from '../../../../src/lifecycle/registry/webhooks/contract.ts';
import { send } from '../../api/client.ts';
import { refusalAt } from '../../api/problem.ts';
import { ConfirmDialog } from '../../kit/confirm.tsx';
import { CheckField, TextField } from '../../kit/fields.tsx';
import { EVENTS } from './webhook-text.ts';

const USUAL = 6;

/** Makes a webhook, or changes the one that is given; an empty secret and the address as it is shown leave these as they are. */
export function WebhookForm(props: {
  readonly webhook?: Webhook;
  readonly onClose: () => void;
  readonly onSaved: (webhook: Webhook) => void;
}) {
  const { webhook, onClose, onSaved } = props;
  const [name, setName] = useState(webhook?.name ?? '');
  const [url, setUrl] = useState(webhook?.url ?? '');
  const [events, setEvents] = useState<readonly string[]>(
    webhook?.events ?? ['model_version.created', 'model_version_alias.created'],
  );
  const [secret, setSecret] = useState('');
  const queries = useQueryClient();
  const save = useMutation({
    mutationFn: () => {
      const body = { name: name.trim(), url: url.trim(), events, ...(secret === '' ? {} : { secret }) };
      return webhook
        ? send<Webhook>('PATCH', `/webhooks/${encodeURIComponent(webhook.id)}`, body)
        : send<Webhook>('POST', '/webhooks', body);
    },
    onSuccess: (saved) => {
      void queries.invalidateQueries({ queryKey: ['webhooks'] });
      onClose();
      onSaved(saved);
    },
  });
  const refusal = refusalAt(save.error, ['name', 'url', 'secret']);
  const toggle = (event: string, on: boolean): void =>
    setEvents(on ? [...events, event] : events.filter((each) => each !== event));
  const field = ([event, text]: readonly [string, string]) => (
    <CheckField
      key={event}
      label={text}
      checked={events.includes(event)}
      onChange={(on) => toggle(event, on)}
    />
  );
  return (
    <ConfirmDialog
      open
      title={webhook ? `Change ${webhook.name}` : 'New webhook'}
      verb={webhook ? 'Change' : 'Create'}
      busy={save.isPending}
      disabled={name.trim() === '' || url.trim() === '' || events.length === 0}
      error={refusal.rest}
      onClose={onClose}
      onConfirm={() => save.mutate()}
    >
      <TextField
        label="Name"
        value={name}
        onChange={setName}
        placeholder="deployments"
        problem={refusal.at.name}
      />
      <TextField
        label={
          webhook
            ? 'Address (its end is shown; left like that it stays)'
            : 'Address (https, on the public internet unless the server allows others)'
        }
        value={url}
        onChange={setUrl}
        placeholder="https://ci.example.com/hooks/mlflow"
        problem={refusal.at.url}
      />
      <fieldset className="flex flex-col gap-1">
        <legend className="pb-1 text-label">Told when</legend>
        {EVENTS.slice(0, USUAL).map(field)}
        <details className="pt-1">
          <summary className="block text-accent text-label">prompts too</summary>
          <div className="flex flex-col gap-1 pt-1">{EVENTS.slice(USUAL).map(field)}</div>
        </details>
      </fieldset>
      <TextField
        label="Secret that signs each delivery"
        value={secret}
        onChange={setSecret}
        placeholder={webhook?.isSigned ? 'as it is' : 'none: not signed'}
        problem={refusal.at.secret}
      />
    </ConfirmDialog>
  );
}
