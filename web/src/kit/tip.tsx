import { useEffect, useRef } from 'react';

/**
 * One tip layer for the page: any element with `data-tip` shows it on hover and on keyboard focus.
 * A single listener instead of a component per number keeps tables of thousands of cells light.
 */
export function TipLayer() {
  const layer = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = layer.current;
    if (!box) return;
    let timer = 0;
    let owner: Element | null = null;
    const hide = (): void => {
      clearTimeout(timer);
      owner?.removeAttribute('aria-describedby');
      owner = null;
      if (box.matches(':popover-open')) box.hidePopover();
    };
    const show = (target: Element): void => {
      const text = target.getAttribute('data-tip');
      if (!text) return;
      owner = target;
      box.textContent = text;
      if (text !== target.getAttribute('aria-label')) target.setAttribute('aria-describedby', 'tip');
      box.showPopover();
      const at = target.getBoundingClientRect();
      const own = box.getBoundingClientRect();
      const left = Math.min(Math.max(8, at.left + at.width / 2 - own.width / 2), innerWidth - own.width - 8);
      const above = at.top - own.height - 6;
      box.style.left = `${left}px`;
      box.style.top = `${above > 4 ? above : at.bottom + 6}px`;
    };
    const over = (event: Event): void => {
      const target = event.target instanceof Element ? event.target.closest('[data-tip]') : null;
      if (target === owner) return;
      hide();
      if (target)
        timer = window.setTimeout(
          () => target.isConnected && show(target),
          event.type === 'focusin' ? 0 : 220,
        );
    };
    const focus = (event: Event): void => {
      if (event.target instanceof Element && event.target.matches(':focus-visible')) over(event);
    };
    const key = (event: KeyboardEvent): void => {
      if (event.key === 'Escape') hide();
    };
    document.addEventListener('pointerover', over);
    document.addEventListener('focusin', focus);
    document.addEventListener('focusout', hide);
    document.addEventListener('pointerdown', hide);
    document.addEventListener('keydown', key);
    addEventListener('scroll', hide, true);
    return () => {
      hide();
      document.removeEventListener('pointerover', over);
      document.removeEventListener('focusin', focus);
      document.removeEventListener('focusout', hide);
      document.removeEventListener('pointerdown', hide);
      document.removeEventListener('keydown', key);
      removeEventListener('scroll', hide, true);
    };
  }, []);
  return (
    <div
      ref={layer}
      id="tip"
      role="tooltip"
      popover="manual"
      className="fixed inset-auto m-0 max-w-80 whitespace-pre-line rounded-control border border-line-strong bg-raised px-2 py-1 text-label text-text shadow-float"
    />
  );
}
