import type { ReactNode, Ref } from 'react';

/** A region that scrolls by itself: named, and reachable by keyboard so that it can be scrolled there too. */
export function Scroll(props: {
  readonly label: string;
  readonly children: ReactNode;
  readonly className?: string;
  readonly ref?: Ref<HTMLElement>;
}) {
  return (
    <section
      ref={props.ref}
      aria-label={props.label}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
      tabIndex={0}
      className={`min-w-0 overflow-auto print:max-h-none print:overflow-visible ${props.className ?? ''}`}
    >
      {props.children}
    </section>
  );
}
