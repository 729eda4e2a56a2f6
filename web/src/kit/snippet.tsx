import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { IconButton } from './button.tsx';
import { copyText } from './copy-text.ts';

/** Copies a text; `copied` for two seconds after it did. */
function useCopy(text: string): { readonly copied: boolean; readonly copy: () => void } {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  return { copied, copy: () => void copyText(text).then(() => setCopied(true)) };
}

/** Copies text and shows that it did. */
export function CopyButton(props: { readonly text: string; readonly label?: string }) {
  const { copied, copy } = useCopy(props.text);
  return (
    <IconButton label={copied ? 'Copied' : (props.label ?? 'Copy')} onClick={copy}>
      {copied ? <Check size={14} aria-hidden /> : <Copy size={14} aria-hidden />}
    </IconButton>
  );
}

/** Lines to type, with a copy button. What is too long goes on in the next line: nothing that is copied is out of sight. */
export function Snippet(props: { readonly text: string; readonly label?: string }) {
  return (
    <div className="flex items-start rounded-control border border-line bg-sunken">
      <pre className="wrap-anywhere min-w-0 flex-1 whitespace-pre-wrap px-3 py-2 leading-5">{props.text}</pre>
      <div className="p-1">
        <CopyButton text={props.text} label={props.label ?? 'Copy'} />
      </div>
    </div>
  );
}

/** An id, digest or code: mono, shortened by the caller, whole on hover, copied on click. */
export function Id(props: { readonly id: string; readonly text?: string }) {
  const { copied, copy } = useCopy(props.id);
  return (
    <button
      type="button"
      aria-live="polite"
      data-tip={`${props.id}\nClick to copy`}
      onClick={copy}
      className="max-w-full truncate rounded-control font-mono text-label text-muted hover:text-text"
    >
      {copied ? 'Copied' : (props.text ?? props.id)}
    </button>
  );
}
