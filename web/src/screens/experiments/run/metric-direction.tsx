import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type {
  MetricDirectionChange,
  MetricSummary,
} from '../../../../../src/lifecycle/experiments/contract.ts';
import { send } from '../../../api/client.ts';
import { ConfirmDialog } from '../../../kit/confirm.tsx';
import { SelectField } from '../../../kit/fields.tsx';

type Choice = 'maximize' | 'minimize' | 'guess';

/** States which way a metric is better, for every run of the experiment. */
export function MetricDirectionDialog(props: {
  readonly experimentId: string;
  readonly metric: MetricSummary;
  readonly onClose: () => void;
}) {
  const { experimentId, metric, onClose } = props;
  const now: Choice = metric.isDirectionGuessed ? 'guess' : metric.direction;
  const [choice, setChoice] = useState<Choice>(now);
  const queries = useQueryClient();
  const change = useMutation({
    mutationFn: () => {
      const direction = choice === 'guess' ? null : choice;
      const body: MetricDirectionChange = { directions: [{ key: metric.key, direction }] };
      return send<unknown>('PUT', `/experiments/${encodeURIComponent(experimentId)}/metric-directions`, body);
    },
    onSuccess: () => {
      void queries.invalidateQueries({ queryKey: ['runs'] });
      void queries.invalidateQueries({ queryKey: ['run-columns'] });
      onClose();
    },
  });
  return (
    <ConfirmDialog
      open
      title={`Which way is ${metric.key} better?`}
      verb="Change"
      busy={change.isPending}
      disabled={choice === now}
      error={change.error}
      onClose={onClose}
      onConfirm={() => change.mutate()}
    >
      <SelectField
        label="Direction"
        value={choice}
        options={[
          ['maximize', 'greater is better'],
          ['minimize', 'smaller is better'],
          ['guess', 'guess it from the name'],
        ]}
        onChange={setChoice}
      />
      <p>It holds for every run of this experiment: which value is the best, and which run wins.</p>
    </ConfirmDialog>
  );
}
