import { formatCount } from './format.ts';
import { Scroll } from './scroll.tsx';

const longestText = 400;
const longestList = 24;

/** A long text's beginning, and how long it is. */
export function beginningOf(text: string): string {
  if (text.length <= longestText) return text;
  return `${text.slice(0, longestText)}… (${formatCount(text.length)} characters)`;
}

function shortened(_key: string, value: unknown): unknown {
  if (typeof value === 'string') return beginningOf(value);
  if (!Array.isArray(value) || value.length <= longestList) return value;
  return [...value.slice(0, longestList), `… ${formatCount(value.length - longestList)} more`];
}

/** A recorded value as indented text, long texts and lists cut; for inputs, outputs and evidence. */
export function JsonView(props: { readonly value: unknown; readonly label: string }) {
  const text = JSON.stringify(props.value, shortened, 2);
  return (
    <Scroll label={props.label} className="max-h-72 rounded-control border border-line bg-sunken px-3 py-2">
      <pre className="leading-5">{text ?? 'nothing'}</pre>
    </Scroll>
  );
}
