import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { IconButton } from './button.tsx';
import { copyText } from './copy-text.ts';

/** Copies text and shows for two seconds that it did. */
export function CopyButton(props: { readonly text: string; readonly label?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 2000);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <IconButton
      label={copied ? 'Copied' : (props.label ?? 'Copy')}
      onClick={() => void copyText(props.text).then(() => setCopied(true))}
    >
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
  const [copied, setCopied] = useState(false);
  return (
    <button
      type="button"
      data-tip={copied ? 'Copied' : `${props.id}\nClick to copy`}
      onClick={() => void copyText(props.id).then(() => setCopied(true))}
      className="max-w-full truncate rounded-control font-mono text-label text-muted hover:text-text"
    >
      {props.text ?? props.id}
    </button>
  );
}
