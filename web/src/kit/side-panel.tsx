import { type ReactNode, useEffect } from 'react';
import { createPortal } from 'react-dom';
import { DialogHead } from './dialog.tsx';
import { Scroll } from './scroll.tsx';

/** Id of the element in the frame that holds the panel. */
export const PANEL_SLOT = 'panel-slot';

/**
 * Details beside the list they belong to; whether it is open is part of the screen's URL. Not a modal: on a wide
 * screen the content moves aside and stays usable, on a narrow one the panel covers it. Escape closes.
 */
export function SidePanel(props: {
  readonly title: ReactNode;
  readonly label: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}) {
  const { onClose } = props;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.defaultPrevented || document.querySelector('dialog[open]')) return;
      onClose();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, [onClose]);
  const slot = document.getElementById(PANEL_SLOT);
  if (!slot) return null;
  return createPortal(
    <aside
      aria-label={props.label}
      className="fade-in fixed inset-y-0 right-0 z-30 flex w-full flex-col border-line-strong bg-surface shadow-float sm:w-[min(520px,92vw)] sm:border-l xl:sticky xl:top-0 xl:h-dvh xl:w-[480px] xl:shrink-0 xl:border-line xl:shadow-none print:static print:h-auto print:w-full print:shadow-none"
    >
      <DialogHead title={props.title} onClose={onClose} />
      <Scroll label="Details" className="min-h-0 flex-1 px-4 pt-4 pb-20 sm:pb-6">
        {props.children}
      </Scroll>
    </aside>,
    slot,
  );
}
