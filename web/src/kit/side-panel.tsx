import { type ReactNode, useEffect, useRef } from 'react';
import { DialogHead } from './dialog.tsx';

/**
 * Details beside the list they belong to; whether it is open is part of the screen's URL. Not a modal: the list
 * stays usable. Escape closes; on a phone it covers the screen.
 */
export function SidePanel(props: {
  readonly title: ReactNode;
  readonly label: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}) {
  const { onClose } = props;
  const element = useRef<HTMLElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open]')) return;
      onClose();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [onClose]);
  return (
    <aside
      ref={element}
      aria-label={props.label}
      className="fade-in fixed inset-y-0 right-0 z-30 flex w-full flex-col border-line-strong bg-raised shadow-float sm:w-[min(560px,92vw)] sm:border-l"
    >
      <DialogHead title={props.title} onClose={onClose} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard. */}
      <div className="min-h-0 flex-1 overflow-y-auto px-4 pt-4 pb-20 sm:pb-6" tabIndex={0}>
        {props.children}
      </div>
    </aside>
  );
}
