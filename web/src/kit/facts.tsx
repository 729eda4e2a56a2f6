import type { ReactNode } from 'react';

export type Fact = readonly [label: string, value: ReactNode] | false | '' | null | undefined;

/** Names and values in two columns. */
export function Facts(props: { readonly facts: readonly Fact[]; readonly wide?: boolean }) {
  return (
    <dl
      className={`grid items-baseline gap-x-4 gap-y-1.5 ${props.wide ? 'grid-cols-[fit-content(60%)_minmax(0,1fr)] sm:grid-cols-[max-content_1fr_max-content_1fr]' : 'grid-cols-[fit-content(60%)_minmax(0,1fr)]'}`}
    >
      {props.facts.map((fact) =>
        fact ? (
          <div key={fact[0]} className="contents">
            <dt className="wrap-anywhere min-w-0 text-muted">{fact[0]}</dt>
            <dd className="wrap-anywhere min-w-0">{fact[1]}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}

/** Figures in a row, the way an instrument shows them: small label above, number below. */
export function Figures(props: {
  readonly figures: readonly (readonly [label: ReactNode, value: ReactNode, key: string])[];
}) {
  return (
    <dl className="flex flex-wrap gap-x-8 gap-y-3">
      {props.figures.map(([label, value, key]) => (
        <div key={key} className="flex flex-col">
          <dt className="text-label text-muted">{label}</dt>
          <dd className="text-section">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
