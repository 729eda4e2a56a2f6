/** Who is meant: champion, challenger, shadow, reference, current. Fixed colour and stroke on every screen. */
export type Identity = 'champion' | 'challenger' | 'shadow' | 'reference' | 'current';

export const identityStroke: Readonly<Record<Identity, { readonly colour: string; readonly dash: string }>> =
  {
    champion: { colour: 'var(--champion)', dash: '' },
    challenger: { colour: 'var(--challenger)', dash: '5 3' },
    shadow: { colour: 'var(--shadow)', dash: '1.5 3' },
    reference: { colour: 'var(--reference)', dash: '' },
    current: { colour: 'var(--current)', dash: '' },
  };

/** A short stroke in the identity's colour and dash. */
export function IdentitySwatch(props: { readonly identity: Identity; readonly width?: number }) {
  const { identity, width = 16 } = props;
  if (identity === 'reference') {
    return (
      <svg width={width} height="10" className="inline-block shrink-0" aria-hidden="true">
        <rect width={width} height="10" rx="1.5" fill="var(--reference)" />
      </svg>
    );
  }
  const { colour, dash } = identityStroke[identity];
  return (
    <svg width={width} height="10" className="inline-block shrink-0" aria-hidden="true">
      <line
        x1="0"
        x2={width}
        y1="5"
        y2="5"
        stroke={colour}
        strokeWidth="2.5"
        strokeDasharray={dash || undefined}
      />
    </svg>
  );
}
