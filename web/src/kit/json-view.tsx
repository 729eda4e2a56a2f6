import { Scroll } from './scroll.tsx';

/** A recorded value as indented text, long strings cut; for inputs, outputs and evidence. */
export function JsonView(props: { readonly value: unknown; readonly label: string }) {
  const text = JSON.stringify(
    props.value,
    (_key, value) => (typeof value === 'string' && value.length > 400 ? `${value.slice(0, 400)}…` : value),
    2,
  );
  return (
    <Scroll label={props.label} className="max-h-72 rounded-control border border-line bg-sunken px-3 py-2">
      <pre className="leading-5">{text ?? 'nothing'}</pre>
    </Scroll>
  );
}
