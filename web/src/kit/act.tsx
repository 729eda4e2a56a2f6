import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { send } from '../api/client.ts';
import { refusalAt } from '../api/problem.ts';
import { Button } from './button.tsx';
import { Dialog, DialogHead } from './dialog.tsx';
import { ReasonField } from './fields.tsx';
import { ProblemNote } from './panel.tsx';
import { StateLabel } from './state-mark.tsx';

/** Where the act has taken its own button away, whoever uses the keyboard goes on from the content, not from the top. */
function focusContent(): void {
  if (document.activeElement === document.body) document.getElementById('main')?.focus();
}

/**
 * A button for an act that changes what runs. It asks for the reason, says the effect in numbers before it is
 * done, and shows the server's answer if it is refused. A dialog that is open never becomes one for another act: where
 * that is what stands here by then, it says so, and nothing is done.
 */
export function Act<T>(props: {
  readonly verb: string;
  readonly title: string;
  readonly effect: ReactNode;
  readonly path: string;
  /** @default 'POST' */
  readonly method?: 'POST' | 'DELETE';
  readonly body?: (reason: string) => unknown;
  readonly look?: 'plain' | 'primary' | 'danger';
  readonly placeholder?: string;
  readonly disabled?: string | false;
  /**
   * Without it there is no button to it; a dialog that was open before stays with its reason.
   *
   * @default true
   */
  readonly isPossible?: boolean;
  /** Told what the server answered when it is done. */
  readonly onDone?: (answer: T) => void;
}) {
  const {
    verb,
    title,
    effect,
    path,
    method = 'POST',
    body = (reason) => ({ reason }),
    look = 'plain',
    placeholder = 'For instance: agreed with Ana',
    disabled = false,
    isPossible = true,
    onDone,
  } = props;
  /** What the open dialog is for. */
  const [asked, setAsked] = useState<{
    readonly verb: string;
    readonly title: string;
    readonly path: string;
  }>();
  const [reason, setReason] = useState('');
  const queries = useQueryClient();
  const act = useMutation({
    mutationFn: () => send<T>(method, path, body(reason.trim())),
    onSuccess: (answer) => {
      setAsked(undefined);
      setReason('');
      void queries.invalidateQueries().then(focusContent);
      onDone?.(answer);
    },
  });
  const close = (): void => {
    setAsked(undefined);
    act.reset();
  };
  // While it is being done the page may hear of it before the answer is there.
  const isOther = !isPossible || (asked && (asked.title !== title || asked.path !== path));
  const hasChanged = isOther && !act.isPending;
  const refusal = refusalAt(act.error, ['reason']);
  const shown = asked ?? { verb, title };
  return (
    <>
      {isPossible && (
        <span data-tip={disabled || undefined}>
          <Button look={look} disabled={disabled !== false} onClick={() => setAsked({ verb, title, path })}>
            {verb}
          </Button>
        </span>
      )}
      <Dialog open={asked !== undefined} onClose={close} label={shown.title}>
        <DialogHead title={shown.title} onClose={close} />
        <form
          className="flex flex-col gap-4 p-4"
          onSubmit={(event) => {
            event.preventDefault();
            if (reason.trim() !== '' && !hasChanged) act.mutate();
          }}
        >
          {hasChanged ? (
            <p role="status">
              <StateLabel state="watch">What this is about has changed meanwhile.</StateLabel> Close it, and
              see how it stands.
            </p>
          ) : (
            <div className="text-muted">{effect}</div>
          )}
          <ReasonField
            value={reason}
            onChange={setReason}
            placeholder={placeholder}
            problem={refusal.at.reason}
          />
          {refusal.rest !== null && <ProblemNote error={refusal.rest} />}
          <div className="flex justify-end gap-2">
            <Button onClick={close}>Leave as it is</Button>
            <Button
              type="submit"
              look={look === 'plain' ? 'primary' : look}
              disabled={reason.trim() === '' || act.isPending || hasChanged}
            >
              {shown.verb}
            </Button>
          </div>
        </form>
      </Dialog>
    </>
  );
}
