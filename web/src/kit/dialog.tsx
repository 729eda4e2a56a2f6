import { X } from 'lucide-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { IconButton } from './button.tsx';

/** What is filled in: the keyboard begins there. */
const FIELD = ':is(input, select, textarea):not(:disabled)';

/**
 * Moves the focus to the first field, also where fields come later, as when what they are about is being loaded; until
 * then it is on the dialog itself: by itself it begins at what comes first, the button that closes it. Somebody who has
 * moved it meanwhile keeps it. Returns what ends this.
 */
function beginAtFirstField(dialog: HTMLDialogElement): () => void {
  dialog.focus();
  const focus = () => {
    const hasMoved = document.activeElement !== dialog;
    const field = dialog.querySelector<HTMLElement>(FIELD);
    if (!hasMoved && !field) return;
    observer.disconnect();
    if (!hasMoved) field?.focus();
  };
  const observer = new MutationObserver(focus);
  observer.observe(dialog, { childList: true, subtree: true, attributeFilter: ['disabled'] });
  focus();
  return () => observer.disconnect();
}

/** A modal on the native dialog element: focus begins at its first field and is kept inside, Escape closes, focus returns to the opener. */
export function Dialog(props: {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly label: string;
  readonly children: ReactNode;
  readonly className?: string;
}) {
  const { open, onClose, label, children, className = 'w-[min(520px,calc(100vw-32px))]' } = props;
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    if (!dialog) return;
    if (!open) {
      dialog.close();
      return;
    }
    if (!dialog.open) dialog.showModal();
    return beginAtFirstField(dialog);
  }, [open]);
  return (
    <dialog
      ref={element}
      tabIndex={-1}
      aria-label={label}
      onClose={onClose}
      // Where the press begins decides: a text that is selected beyond the edge does not close it.
      onPointerDown={(event) => event.target === element.current && onClose()}
      className={`m-auto max-h-[calc(100dvh-48px)] overflow-hidden rounded-card border border-line-strong bg-raised p-0 text-text shadow-float outline-none open:fade-in ${className}`}
    >
      {open && children}
    </dialog>
  );
}

/** Head of a dialog or side panel: title and a close button. */
export function DialogHead(props: { readonly title: ReactNode; readonly onClose: () => void }) {
  return (
    <div className="flex min-h-12 items-center gap-2 border-line border-b py-2 pr-2 pl-4">
      <h2 className="min-w-0 flex-1 font-strong text-lead">{props.title}</h2>
      <IconButton label="Close" onClick={props.onClose}>
        <X size={16} aria-hidden />
      </IconButton>
    </div>
  );
}
