import { Plus, X } from 'lucide-react';
import { Button, IconButton } from '../../../kit/button.tsx';
import { SelectField, TextField } from '../../../kit/fields.tsx';
import { type GuardDraft, planMetrics } from './plan-draft.ts';

const MOST_ROWS = 10;

/** Further metrics that must not get worse by more than a margin. */
export function GuardRows(props: {
  readonly rows: readonly GuardDraft[];
  readonly onChange: (rows: readonly GuardDraft[]) => void;
}) {
  const { rows, onChange } = props;
  const set = (key: number, change: Partial<GuardDraft>): void =>
    onChange(rows.map((row) => (row.key === key ? { ...row, ...change } : row)));
  return (
    <div className="flex flex-col gap-3">
      {rows.map((row) => (
        <div key={row.key} className="grid grid-cols-[minmax(0,2fr)_minmax(0,1fr)_28px] items-end gap-x-3">
          <SelectField
            label="A further metric"
            value={row.metric}
            options={planMetrics}
            onChange={(metric) => set(row.key, { metric })}
          />
          <TextField
            label="Worse by at most"
            value={row.margin}
            onChange={(margin) => set(row.key, { margin })}
          />
          <IconButton
            label="Leave this metric out"
            onClick={() => onChange(rows.filter((each) => each.key !== row.key))}
          >
            <X size={14} aria-hidden />
          </IconButton>
        </div>
      ))}
      {rows.length < MOST_ROWS && (
        <div>
          <Button
            icon={<Plus size={14} aria-hidden />}
            onClick={() =>
              onChange([
                ...rows,
                {
                  key: Math.max(0, ...rows.map((row) => row.key)) + 1,
                  metric: 'accuracy',
                  margin: '0.01',
                },
              ])
            }
          >
            A further metric
          </Button>
        </div>
      )}
    </div>
  );
}
