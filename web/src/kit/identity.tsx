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

/** Of each of these colours there are two tones, and each tone comes in these dashes. */
const ARM_DASHES = ['8 2', '3 2', '8 2 2 2'] as const;

/**
 * Champion and challenger have their colours everywhere; a further arm of a split has one by its name: arms that are
 * numbered are told apart up to eight by their colour, and up to 24 by colour and dash.
 */
export function armStroke(arm: string): { readonly colour: string; readonly dash: string } {
  if (isIdentity(arm)) return identityStroke[arm];
  const number = /\d{1,9}$/.exec(arm)?.[0];
  const place = number
    ? Number(number)
    : [...arm].reduce((total, letter) => (total * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003, 0);
  const series = `var(--series-${ARM_SERIES[place % 4]})`;
  return {
    colour: place % 8 < 4 ? series : `color-mix(in oklab, ${series}, var(--text) 45%)`,
    dash: ARM_DASHES[Math.floor(place / 8) % 3] ?? '',
  };
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
