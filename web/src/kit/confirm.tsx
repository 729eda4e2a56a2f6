import type { ReactNode } from 'react';
import { Button } from './button.tsx';
import { Dialog, DialogHead } from './dialog.tsx';
import { ProblemNote } from './panel.tsx';

/** Asks once before something is done that others would notice: says the effect, shows a refusal. */
export function ConfirmDialog(props: {
  readonly open: boolean;
  readonly title: string;
  readonly verb: string;
  readonly look?: 'primary' | 'danger';
  readonly busy: boolean;
  readonly error: unknown;
  readonly disabled?: boolean;
  /** It is done, and only read: there is nothing to leave as it is. */
  readonly done?: boolean;
  readonly onClose: () => void;
  readonly onConfirm: () => void;
  readonly children: ReactNode;
}) {
  const { open, title, verb, look = 'primary', busy, error, disabled = false, onClose, onConfirm } = props;
  return (
    <Dialog open={open} onClose={onClose} label={title}>
      <DialogHead title={title} onClose={onClose} />
      <form
        className="flex flex-col gap-4 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy && !disabled) onConfirm();
        }}
      >
        <div className="flex flex-col gap-3 text-muted">{props.children}</div>
        {error !== null && error !== undefined && <ProblemNote error={error} />}
        <div className="flex justify-end gap-2">
          {!props.done && <Button onClick={onClose}>Leave as it is</Button>}
          <Button type="submit" look={look} disabled={busy || disabled}>
            {verb}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
