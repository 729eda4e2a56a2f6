import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Pencil } from 'lucide-react';
import { useState } from 'react';
import type { Endpoint } from '../../../../src/lifecycle/serving/contract.ts';
import { send } from '../../api/client.ts';
import { Button } from '../../kit/button.tsx';
import { ConfirmDialog } from '../../kit/confirm.tsx';
import { Facts } from '../../kit/facts.tsx';
import { TextField } from '../../kit/fields.tsx';
import { Card } from '../../kit/panel.tsx';
import { draftOf, optionFields, optionsOf } from './options-draft.ts';

/** How the endpoint behaves apart from who has its traffic: batching, limits, cache, keys, and what is logged. */
export function OptionsCard(props: { readonly endpoint: Endpoint }) {
  const { endpoint } = props;
  const now = draftOf(endpoint.options);
  const [draft, setDraft] = useState<typeof now | null>(null);
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (options: unknown) => {
      const { name, model, entityFeature, eventTimeFeature } = endpoint;
      return send<Endpoint>('POST', '/endpoints', { name, model, entityFeature, eventTimeFeature, options });
    },
    onSuccess: () => {
      setDraft(null);
      void queries.invalidateQueries({ queryKey: ['endpoints'] });
    },
  });
  const isChanged = draft !== null && JSON.stringify(draft) !== JSON.stringify(now);
  return (
    <Card
      title="Options"
      actions={
        <Button icon={<Pencil size={14} aria-hidden />} onClick={() => setDraft(now)}>
          Change
        </Button>
      }
    >
      <Facts
        facts={[
          ...optionFields.map(
            ([field, label, empty]) => [label, now[field] || <Unset text={empty} key={field} />] as const,
          ),
          ['Callers show a key', endpoint.options.requireKey ? 'yes' : <Unset text="no" key="key" />],
        ]}
      />
      <ConfirmDialog
        open={draft !== null}
        title={`Options of ${endpoint.name}`}
        verb="Change"
        busy={change.isPending}
        disabled={!isChanged}
        error={change.error}
        onClose={() => {
          setDraft(null);
          change.reset();
        }}
        onConfirm={() => draft && change.mutate(optionsOf(draft))}
      >
        {draft && (
          <div className="grid max-h-[60vh] gap-3 overflow-y-auto sm:grid-cols-2">
            {optionFields.map(([field, label, empty]) => (
              <TextField
                key={field}
                label={label}
                value={draft[field]}
                placeholder={empty}
                onChange={(value) => setDraft({ ...draft, [field]: value })}
              />
            ))}
            <label className="inline-flex items-center gap-2">
              <input
                type="checkbox"
                checked={draft.requireKey !== ''}
                onChange={(event) => setDraft({ ...draft, requireKey: event.target.checked ? 'yes' : '' })}
                className="size-3.5 accent-accent"
              />
              Callers show a key
            </label>
          </div>
        )}
      </ConfirmDialog>
    </Card>
  );
}

function Unset(props: { readonly text: string }) {
  return <span className="text-faint">{props.text}</span>;
}
