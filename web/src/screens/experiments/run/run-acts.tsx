import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { RunDetail } from '../../../../../src/lifecycle/experiments/contract.ts';
import { send } from '../../../api/client.ts';
import { Button } from '../../../kit/button.tsx';
import { ConfirmDialog } from '../../../kit/confirm.tsx';

/** Delete and restore. */
export function RunActs(props: { readonly run: RunDetail }) {
  const { run } = props;
  const [asking, setAsking] = useState(false);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const deleted = run.lifecycleStage === 'deleted';
  const path = `/runs/${encodeURIComponent(run.id)}`;
  const act = useMutation({
    mutationFn: () =>
      deleted ? send<unknown>('POST', `${path}/restore`, {}) : send<unknown>('DELETE', path),
    onSuccess: async () => {
      setAsking(false);
      await queries.invalidateQueries({ queryKey: ['runs'] });
      if (!deleted) void navigate({ to: '/runs', search: { experiment: run.experimentId } });
    },
  });
  const verb = deleted ? 'Restore' : 'Delete';
  return (
    <>
      <Button look={deleted ? 'primary' : 'quiet'} onClick={() => setAsking(true)}>
        {verb}
      </Button>
      <ConfirmDialog
        open={asking}
        title={`${verb} ${run.name}?`}
        verb={verb}
        look={deleted ? 'primary' : 'danger'}
        busy={act.isPending}
        error={act.error}
        onClose={() => {
          setAsking(false);
          act.reset();
        }}
        onConfirm={() => act.mutate()}
      >
        {deleted
          ? 'It returns to the lists with everything it logged.'
          : 'It leaves the lists. Its metrics and files stay until they are purged; “Deleted” in the list of runs shows it for restoring.'}
      </ConfirmDialog>
    </>
  );
}
