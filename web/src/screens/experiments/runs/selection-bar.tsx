import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { send } from '../../../api/client.ts';
import { Button } from '../../../kit/button.tsx';
import { ConfirmDialog } from '../../../kit/confirm.tsx';
import { plural } from '../../../kit/format.ts';

/** What can be done with the selected runs. */
export function SelectionBar(props: {
  readonly ids: readonly string[];
  readonly deleted: boolean;
  readonly onCompare: () => void;
  readonly onClear: () => void;
}) {
  const { ids, deleted, onCompare, onClear } = props;
  const [asking, setAsking] = useState(false);
  const queries = useQueryClient();
  const act = useMutation({
    mutationFn: async () => {
      for (const id of ids) {
        const path = `/runs/${encodeURIComponent(id)}`;
        await (deleted ? send('POST', `${path}/restore`, {}) : send('DELETE', path));
      }
    },
    onSettled: () => void queries.invalidateQueries({ queryKey: ['runs'] }),
    onSuccess: () => {
      setAsking(false);
      onClear();
    },
  });
  return (
    <div
      className="flex flex-wrap items-center gap-2 border-line border-t bg-accent-quiet px-4 py-1.5"
      role="toolbar"
      aria-label="Selected runs"
    >
      <span className="font-strong">{plural(ids.length, 'run')} selected</span>
      <Button look="primary" onClick={onCompare}>
        Compare
      </Button>
      <Button look={deleted ? 'plain' : 'danger'} onClick={() => setAsking(true)}>
        {deleted ? 'Restore' : 'Delete'}
      </Button>
      <Button look="quiet" onClick={onClear}>
        Clear
      </Button>
      <ConfirmDialog
        open={asking}
        title={`${deleted ? 'Restore' : 'Delete'} ${plural(ids.length, 'run')}?`}
        verb={deleted ? 'Restore' : 'Delete'}
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
          ? 'They return to the lists with everything they logged.'
          : 'They leave the lists; their metrics and files stay until they are purged, and “Deleted” shows them for restoring.'}
      </ConfirmDialog>
    </div>
  );
}
