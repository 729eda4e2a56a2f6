import { type RefObject, useLayoutEffect, useState } from 'react';

type Viewport = {
  readonly topPx: number;
  readonly leftPx: number;
  readonly widthPx: number;
  readonly heightPx: number;
};

/**
 * What part of its content a scrolling element shows, told at most once per frame and only when `grain` pixels have
 * gone by, so that a grid is drawn again only when other rows or columns come into sight.
 */
export function useViewport(element: RefObject<HTMLElement | null>, grainPx: number): Viewport {
  const [viewport, setViewport] = useState<Viewport>({ topPx: 0, leftPx: 0, widthPx: 0, heightPx: 0 });
  useLayoutEffect(() => {
    const target = element.current;
    if (!target) return;
    let frame = 0;
    const measure = (): void => {
      frame = 0;
      const next = {
        topPx: Math.floor(target.scrollTop / grainPx) * grainPx,
        leftPx: Math.floor(target.scrollLeft / grainPx) * grainPx,
        widthPx: target.clientWidth,
        heightPx: target.clientHeight,
      };
      setViewport((old) =>
        old.topPx === next.topPx &&
        old.leftPx === next.leftPx &&
        old.widthPx === next.widthPx &&
        old.heightPx === next.heightPx
          ? old
          : next,
      );
    };
    const later = (): void => {
      frame ||= requestAnimationFrame(measure);
    };
    const observer = new ResizeObserver(later);
    observer.observe(target);
    target.addEventListener('scroll', later, { passive: true });
    measure();
    return () => {
      observer.disconnect();
      target.removeEventListener('scroll', later);
      cancelAnimationFrame(frame);
    };
  }, [element, grainPx]);
  return viewport;
}
