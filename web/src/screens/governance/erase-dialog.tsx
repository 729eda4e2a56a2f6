import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Erasure } from '../../../../src/lifecycle/governance/contract.ts';
import { post } from '../../api/client.ts';
import { refusalAt } from '../../api/problem.ts';
import { allEndpointsQuery } from '../../api/queries.ts';
import { ConfirmDialog } from '../../kit/confirm.tsx';
import { ReasonField, SelectField, TextField } from '../../kit/fields.tsx';

/** Asks whose data go, where, and why. */
export function EraseDialog(props: { readonly onClose: () => void; readonly onBegun: (id: string) => void }) {
  const { onClose, onBegun } = props;
  const endpoints = useQuery(allEndpointsQuery()).data?.items ?? [];
  const [entity, setEntity] = useState('');
  const [endpoint, setEndpoint] = useState('');
  const [reason, setReason] = useState('');
  const queries = useQueryClient();
  const begin = useMutation({
    mutationFn: () =>
      post<Erasure>('/erasures', {
        entity,
        endpoint: endpoint === '' ? null : endpoint,
        reason: reason.trim(),
      }),
    onSuccess: (erasure) => {
      void queries.invalidateQueries({ queryKey: ['erasures'] });
      onClose();
      onBegun(erasure.id);
    },
  });
  const refusal = refusalAt(begin.error, ['entity', 'reason']);
  return (
    <ConfirmDialog
      open
      title="Erase an entity"
      verb="Erase for good"
      look="danger"
      busy={begin.isPending}
      disabled={entity === '' || reason.trim() === ''}
      error={refusal.rest}
      onClose={onClose}
      onConfirm={() => begin.mutate()}
    >
      <p>
        Its predictions, labels and signals go from the log{' '}
        {endpoint === '' ? 'of all endpoints' : `of ${endpoint}`}, and the files that were made of them:
        windows and outputs of replays and of batches over the log, and uploads of labels. Nothing brings them
        back. Training data, exports and backups stay; those that are known are named when it is done.
      </p>
      <TextField
        label="Entity, as requests and labels name it"
        value={entity}
        onChange={setEntity}
        placeholder="customer-81"
        problem={refusal.at.entity}
      />
      <SelectField
        label="Where"
        value={endpoint}
        options={[['', 'All endpoints'], ...endpoints.map(({ name }) => [name, name] as const)]}
        onChange={setEndpoint}
      />
      <ReasonField
        value={reason}
        onChange={setReason}
        placeholder="For instance: request 117 (must not name the entity)"
        problem={refusal.at.reason}
      />
    </ConfirmDialog>
  );
}
