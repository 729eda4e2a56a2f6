/** A recorded value as indented text, long strings cut; for inputs, outputs and evidence. */
export function JsonView(props: { readonly value: unknown; readonly label: string }) {
  const text = JSON.stringify(props.value, (_key, value) => (typeof value === 'string' && value.length > 400 ? `${value.slice(0, 400)}…` : value), 2);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
    <pre
      tabIndex={0}
      aria-label={props.label}
      className="max-h-72 overflow-auto rounded-control border border-line bg-sunken px-3 py-2 leading-5"
    >
      {text ?? 'nothing'}
    </pre>
  );
}
