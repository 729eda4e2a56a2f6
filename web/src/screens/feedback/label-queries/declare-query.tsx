import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { LabelQuery, LabelQueryRun } from '../../../../../src/lifecycle/feedback/contract.ts';
import { post, send } from '../../../api/client.ts';
import { ConfirmDialog } from '../../../kit/confirm.tsx';
import { AreaField, CheckField, TextField } from '../../../kit/fields.tsx';
import {
  draftOf,
  EXAMPLE_SQL,
  nameProblem,
  namesWatermark,
  problemsByField,
  type QueryDraft,
  queryOf,
} from './query-draft.ts';

/** Declares a query that brings labels, or declares one anew. What is refused is said at its field. */
export function DeclareQuery(props: {
  readonly endpoint: string;
  /** The query that is changed; null for a new one. */
  readonly changes: LabelQuery | null;
  /** All that there are, of any endpoint: a name is used once. */
  readonly queries: readonly LabelQuery[];
  readonly onClose: () => void;
}) {
  const { endpoint, changes, onClose } = props;
  const [draft, setDraft] = useState(() => draftOf(changes));
  const [runsNow, setRunsNow] = useState(true);
  const cache = useQueryClient();
  const declare = useMutation({
    mutationFn: () =>
      send<LabelQuery>('PUT', `/label-queries/${encodeURIComponent(draft.name)}`, queryOf(draft, endpoint)),
    onSuccess: async ({ name }) => {
      onClose();
      // What came of it stands in the list, also that it failed.
      if (runsNow)
        await post<LabelQueryRun>(`/label-queries/${encodeURIComponent(name)}/run`).catch(() => undefined);
    },
    onSettled: () => void cache.invalidateQueries({ queryKey: ['feedback'] }),
  });
  const problems = problemsByField(declare.error);
  const named = changes === null ? nameProblem(draft.name, props.queries) : undefined;
  const change = (field: keyof QueryDraft) => (value: string) => {
    declare.reset();
    setDraft({ ...draft, [field]: value });
  };
  const isWhole =
    draft.name !== '' &&
    draft.url.trim() !== '' &&
    draft.sql.trim() !== '' &&
    (!namesWatermark(draft) || draft.initialWatermark.trim() !== '');
  return (
    <ConfirmDialog
      open
      title={changes ? `Change ${changes.name}` : `New label query for ${endpoint}`}
      verb={changes ? 'Change' : 'Declare'}
      busy={declare.isPending}
      disabled={!isWhole || named !== undefined}
      error={Object.keys(problems).length > 0 ? null : declare.error}
      onClose={onClose}
      onConfirm={() => declare.mutate()}
    >
      <div className="flex max-h-[60dvh] flex-col gap-3 overflow-y-auto p-0.5">
        {changes === null && (
          <TextField
            label="Name"
            value={draft.name}
            placeholder="landed-flights"
            problem={named}
            onChange={change('name')}
          />
        )}
        <TextField
          label="Database, kept encrypted"
          value={draft.url}
          placeholder={
            changes && draft.url === ''
              ? `${changes.url}, with its password`
              : 'postgres://reader:password@host/db or sqlite:/srv/truth.db'
          }
          problem={problems.url}
          onChange={change('url')}
        />
        <AreaField
          label="A SELECT with the columns value, event_time, and prediction_id (or entity and at)"
          value={draft.sql}
          placeholder={EXAMPLE_SQL}
          rows={5}
          mono
          problem={problems.sql}
          onChange={change('sql')}
        />
        {namesWatermark(draft) && (
          <div className="grid gap-3 sm:grid-cols-2">
            <TextField
              label="First :watermark"
              value={draft.initialWatermark}
              placeholder="2026-01-01T00:00:00Z"
              problem={problems.initialWatermark}
              onChange={change('initialWatermark')}
            />
            <TextField
              label="Column that it is read from"
              value={draft.watermarkColumn}
              placeholder="event_time"
              problem={problems.watermarkColumn}
              onChange={change('watermarkColumn')}
            />
          </div>
        )}
        <TextField
          label="Schedule in UTC: minute hour day month weekday (empty: when told to)"
          value={draft.cron}
          placeholder="15 * * * *"
          problem={problems.cron}
          onChange={change('cron')}
        />
        <CheckField label="Run it at once" checked={runsNow} onChange={setRunsNow} />
      </div>
    </ConfirmDialog>
  );
}
