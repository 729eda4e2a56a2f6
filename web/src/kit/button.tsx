import type { ButtonHTMLAttributes, ReactNode, Ref } from 'react';

type Look = 'plain' | 'primary' | 'danger' | 'quiet';

const LOOK: Readonly<Record<Look, string>> = {
  plain: 'border-line-strong bg-surface text-text hover:bg-sunken',
  primary: 'border-accent bg-accent text-on-accent hover:brightness-95',
  danger: 'border-bad bg-surface text-bad hover:bg-bad-quiet',
  quiet: 'border-transparent bg-transparent text-muted hover:bg-sunken hover:text-text',
};

/** A verb. 28 px high, 36 on touch. */
export function Button(
  props: ButtonHTMLAttributes<HTMLButtonElement> & {
    readonly look?: Look;
    readonly icon?: ReactNode;
    readonly ref?: Ref<HTMLButtonElement>;
  },
) {
  const { look = 'plain', icon, children, className = '', ...rest } = props;
  return (
    <button
      type="button"
      className={`inline-flex h-7 items-center justify-center gap-1.5 whitespace-nowrap rounded-control border px-2.5 text-body transition-colors disabled:opacity-50 pointer-coarse:h-9 print:hidden ${LOOK[look]} ${className}`}
      {...rest}
    >
      {icon}
      {children}
    </button>
  );
}

/** A button that is only an icon; its label is spoken and shown as a tip. */
export function IconButton(
  props: ButtonHTMLAttributes<HTMLButtonElement> & {
    readonly label: string;
    readonly ref?: Ref<HTMLButtonElement>;
  },
) {
  const { label, children, className = '', ...rest } = props;
  return (
    <button
      type="button"
      aria-label={label}
      data-tip={label}
      className={`inline-flex size-7 shrink-0 items-center justify-center rounded-control text-muted transition-colors hover:bg-sunken hover:text-text pointer-coarse:size-9 print:hidden ${className}`}
      {...rest}
    >
      {children}
    </button>
  );
}
