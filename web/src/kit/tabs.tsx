import { type ReactNode, useEffect, useRef } from 'react';

/** How the link of one tab looks; the one in force has `aria-current="page"`. */
export const TAB =
  '-mb-px whitespace-nowrap border-transparent border-b-2 px-3 py-2 text-muted hover:text-text aria-[current=page]:border-accent aria-[current=page]:text-text';

/** Parts of a screen side by side. Where they do not fit, the bar scrolls, and the one in force is always in sight. */
export function TabBar(props: { readonly label: string; readonly children: ReactNode }) {
  const bar = useRef<HTMLElement>(null);
  useEffect(() => {
    const current = bar.current?.querySelector('[aria-current=page]')?.getBoundingClientRect();
    const seen = bar.current?.getBoundingClientRect();
    if (!current || !seen) return;
    const beyond = Math.max(0, current.right - seen.right) + Math.min(0, current.left - seen.left);
    if (beyond !== 0) bar.current?.scrollBy({ left: beyond });
  });
  return (
    <nav
      ref={bar}
      aria-label={props.label}
      className="flex gap-1 overflow-x-auto border-line border-b print:hidden"
    >
      {props.children}
    </nav>
  );
}
