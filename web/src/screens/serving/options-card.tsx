import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Pencil } from 'lucide-react';
import { useState } from 'react';
import type { Endpoint } from '../../../../src/lifecycle/serving/contract.ts';
import { send } from '../../api/client.ts';
import { refusalAt } from '../../api/problem.ts';
import { packageQuery } from '../../api/queries.ts';
import { Button } from '../../kit/button.tsx';
import { ConfirmDialog } from '../../kit/confirm.tsx';
import { Facts } from '../../kit/facts.tsx';
import { CheckField, ReasonField, TextField } from '../../kit/fields.tsx';
import { Card } from '../../kit/panel.tsx';
import { StateMark } from '../../kit/state-mark.tsx';
import {
  draftOf,
  draftWarning,
  type OptionsDraft,
  optionFields,
  optionProblems,
  optionsOf,
  shownOption,
} from './options-draft.ts';

/** How the endpoint behaves apart from who has its traffic: batching, limits, cache, keys, and what is logged. */
export function OptionsCard(props: { readonly endpoint: Endpoint }) {
  const { endpoint } = props;
  const now = draftOf(endpoint.options);
  const [draft, setDraft] = useState<typeof now | null>(null);
  const [reason, setReason] = useState('');
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: (options: unknown) => {
      const { name, model, entityFeature, eventTimeFeature } = endpoint;
      const asked = { name, model, entityFeature, eventTimeFeature, options, reason: reason.trim() };
      return send<Endpoint>('POST', '/endpoints', asked);
    },
    onSuccess: () => {
      setDraft(null);
      setReason('');
      void queries.invalidateQueries({ queryKey: ['endpoints'] });
    },
  });
  const digest = endpoint.arms[0]?.packageDigest;
  const manifest = useQuery({ ...packageQuery(digest ?? ''), enabled: digest !== undefined });
  const inputs = manifest.data && [
    ...manifest.data.signature.inputs.map(({ name }) => name),
    // As a feature or not, it stands for the entity.
    ...(endpoint.entityFeature === null ? [] : [endpoint.entityFeature]),
  ];
  const problems = optionProblems(change.error);
  const refusal = refusalAt(change.error, ['reason']);
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
      <Standing now={now} />
      {inputs && <UnknownFeatures warning={draftWarning(now, inputs)} />}
      <ConfirmDialog
        open={draft !== null}
        title={`Options of ${endpoint.name}`}
        verb="Change"
        busy={change.isPending}
        disabled={!isChanged || reason.trim() === ''}
        error={Object.keys(problems).length > 0 ? null : refusal.rest}
        onClose={() => {
          setDraft(null);
          change.reset();
        }}
        onConfirm={() => draft && change.mutate(optionsOf(draft))}
      >
        {draft && (
          <div className="-m-1 grid max-h-[60vh] gap-3 overflow-y-auto p-1 sm:grid-cols-2">
            {optionFields.map(([field, label, empty]) => (
              <TextField
                key={field}
                label={label}
                value={draft[field]}
                placeholder={empty}
                problem={problems[field]}
                onChange={(value) => setDraft({ ...draft, [field]: value })}
              />
            ))}
            <CheckField
              label="Callers show a key"
              checked={draft.requireKey !== ''}
              onChange={(checked) => setDraft({ ...draft, requireKey: checked ? 'yes' : '' })}
            />
            {inputs && <UnknownFeatures warning={draftWarning(draft, inputs)} />}
            <div className="sm:col-span-2">
              <ReasonField
                value={reason}
                onChange={setReason}
                placeholder="For instance: the billing service has its key"
                problem={refusal.at.reason}
              />
            </div>
          </div>
        )}
      </ConfirmDialog>
    </Card>
  );
}

/** Warns of names by which nothing is kept out of the log. */
function UnknownFeatures(props: { readonly warning: string | null }) {
  if (props.warning === null) return null;
  return (
    <p role="status" className="wrap-anywhere flex items-baseline gap-1.5 pt-1 sm:col-span-2">
      <StateMark state="watch" />
      <span>{props.warning}</span>
    </p>
  );
}

/** What was chosen, and how many of the others stand at what they mean when nobody says otherwise. */
function Standing(props: { readonly now: OptionsDraft }) {
  const { now } = props;
  const chosen = optionFields.filter(([field, , empty]) => now[field] !== '' && now[field] !== empty);
  const others = optionFields.length - chosen.length;
  return (
    <div className="flex flex-col gap-2">
      <Facts
        facts={[
          ...chosen.map(([field, label, empty]) => [label, shownOption(field, now[field] || empty)] as const),
          now.requireKey !== '' && ['Callers show a key', 'yes'],
        ]}
      />
      <details>
        <summary className="block text-muted">
          {chosen.length === 0 && now.requireKey === ''
            ? 'Everything as it usually is'
            : `${others} as they usually are`}
          : <span className="text-accent">show</span>
        </summary>
        <div className="pt-2 text-muted">
          <Facts
            facts={optionFields
              .filter((field) => !chosen.includes(field))
              .map(([field, label, empty]) => [label, shownOption(field, now[field] || empty)] as const)}
          />
        </div>
      </details>
    </div>
  );
}
