import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { WindowSize } from '../../../src/lifecycle/monitoring/contract.ts';
import { send } from '../api/client.ts';
import { Button } from './button.tsx';
import { Choice } from './fields.tsx';
import { ProblemNote } from './panel.tsx';

/** Has an endpoint watched that is not, as those without a loop are until somebody asks for it. */
export function WatchEndpoint(props: { readonly endpoint: string }) {
  const { endpoint } = props;
  const [window, setWindow] = useState<WindowSize>('day');
  const queries = useQueryClient();
  const watch = useMutation({
    mutationFn: () => send('PUT', `/monitors/${encodeURIComponent(endpoint)}`, { window }),
    onSuccess: () => queries.invalidateQueries(),
  });
  return (
    <div className="flex flex-col gap-3">
      <p className="text-muted">
        {endpoint} is not watched yet. From then on each window of its event time (UTC), the past ones too, is
        summed up when it closes: requests, errors and latency, drift of every input, quality once labels are
        in; what stays wrong opens an alert.
      </p>
      <div className="flex flex-wrap items-center gap-3">
        <Choice
          label="Windows"
          value={window}
          options={[
            ['day', 'By day'],
            ['week', 'By week'],
          ]}
          onChange={setWindow}
        />
        <Button look="primary" disabled={watch.isPending} onClick={() => watch.mutate()}>
          Watch it
        </Button>
      </div>
      {watch.isError && <ProblemNote error={watch.error} />}
    </div>
  );
}
