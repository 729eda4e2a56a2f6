import { type RefObject, useLayoutEffect, useRef, useState } from 'react';

/** The element's width, followed as it changes; 0 before the first measure. */
export function useWidth<T extends Element>(): readonly [RefObject<T | null>, number] {
  const element = useRef<T>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const target = element.current;
    if (!target) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.round(entry.contentRect.width)));
    observer.observe(target);
    setWidth(Math.round(target.getBoundingClientRect().width));
    return () => observer.disconnect();
  }, []);
  return [element, width];
}
