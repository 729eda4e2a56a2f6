/** Several lines that a person writes; `mono` for what programs read. */
export function LinesField(props: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (text: string) => void;
  readonly rows?: number;
  readonly mono?: boolean;
}) {
  return (
    <label className="flex flex-col gap-1">
      <span className="text-label">{props.label}</span>
      <textarea
        value={props.value}
        rows={props.rows ?? 5}
        onChange={(event) => props.onChange(event.target.value)}
        className={`rounded-control border border-line-strong bg-surface px-2 py-1.5 text-text ${props.mono ? 'font-mono text-label' : ''}`}
      />
    </label>
  );
}

/** Tags as lines of text; see `tags-text.ts`. */
export function TagsField(props: { readonly value: string; readonly onChange: (text: string) => void }) {
  return <LinesField label="Tags, one in a line as key: value" mono {...props} />;
}
