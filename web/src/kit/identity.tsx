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

const isIdentity = (name: string): name is Identity => Object.hasOwn(identityStroke, name);

/** Series that are like neither champion nor challenger. */
const ARM_SERIES = [3, 4, 6, 8] as const;

/** Champion and challenger have their colours everywhere; a further arm of a split has one by its name. */
export function armStroke(arm: string): { readonly colour: string; readonly dash: string } {
  if (isIdentity(arm)) return identityStroke[arm];
  const sum = [...arm].reduce((total, letter) => total * 31 + (letter.codePointAt(0) ?? 0), 0);
  return { colour: `var(--series-${ARM_SERIES[sum % ARM_SERIES.length]})`, dash: '8 2' };
}

/** A short stroke for whoever answered. */
export function ArmSwatch(props: { readonly arm: string }) {
  return <StrokeSwatch {...armStroke(props.arm)} />;
}

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
  return <StrokeSwatch {...identityStroke[identity]} width={width} />;
}

/** A short stroke in a colour and dash. */
function StrokeSwatch(props: { readonly colour: string; readonly dash: string; readonly width?: number }) {
  const { colour, dash, width = 16 } = props;
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
