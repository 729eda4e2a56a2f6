import { type ReactNode, type RefObject, useEffect, useRef, useState } from 'react';

/**
 * A region that scrolls by itself. It is named, and where something of it lies out of sight it is reached by keyboard,
 * so that it can be scrolled there too; a region that is seen whole is no stop on that way.
 */
export function Scroll(props: {
  readonly label: string;
  readonly children: ReactNode;
  readonly className?: string;
  readonly ref?: RefObject<HTMLElement | null>;
}) {
  const own = useRef<HTMLElement>(null);
  const ref = props.ref ?? own;
  const isCut = useIsCut(ref);
  return (
    <section
      ref={ref}
      aria-label={props.label}
      {...(isCut ? { tabIndex: 0 } : {})}
      className={`min-w-0 overflow-auto print:max-h-none print:overflow-visible ${props.className ?? ''}`}
    >
      {props.children}
    </section>
  );
}

/** Whether what an element holds is larger than the element. */
function useIsCut(ref: RefObject<HTMLElement | null>): boolean {
  const [isCut, setCut] = useState(false);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = (): void =>
      setCut(element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight);
    const sizes = new ResizeObserver(measure);
    const watch = (): void => {
      sizes.disconnect();
      for (const each of [element, ...element.children]) sizes.observe(each);
      measure();
    };
    const parts = new MutationObserver(watch);
    parts.observe(element, { childList: true });
    watch();
    return () => {
      sizes.disconnect();
      parts.disconnect();
    };
  }, [ref]);
  return isCut;
}
