/** Geometry of the wheel: five slanted blades round a hub, one per stage, clockwise from the top. Pure. */

export const STAGES = ['experiment', 'evaluate', 'deploy', 'monitor', 'learn'] as const;
export type Stage = (typeof STAGES)[number];
export type State = 'good' | 'watch' | 'bad' | 'none' | 'running';
export type WheelStates = Readonly<Record<Stage, State>>;

type Blade = {
  readonly stage: Stage;
  readonly state: State;
  /** The blade itself. */
  readonly path: string;
  /** The part still to be done of a running stage, drawn faint; empty for all others. */
  readonly rest: string;
  /** Where a label for this blade sits, outside the ring. */
  readonly label: { readonly x: number; readonly y: number };
};

const STEP = 72;
const GAP = 8;
/** The outer edge leads the inner one, so the ring reads as turning. */
const SLANT = 13;

/**
 * Paths of the five blades in a box of `size`. The state is a shape as well as a colour: none is a thin rim,
 * running is half a blade and a thin rest, watch has a notch, bad reaches inwards, good is whole.
 */
export function prepareWheel(states: WheelStates, size: number): readonly Blade[] {
  const outer = size / 2;
  const depth = outer * 0.36;
  return STAGES.map((stage, index) => {
    const state = states[stage];
    const from = -90 - STEP / 2 + GAP / 2 + index * STEP - SLANT / 2;
    const to = from + STEP - GAP;
    const middle = (from + to) / 2;
    const inner = (share: number): number => outer - depth * share;
    const angle = ((-90 + index * STEP) * Math.PI) / 180;
    return {
      stage,
      state,
      path: bladePath(outer, state, from, to, middle, inner),
      rest: state === 'running' ? sector(outer, outer, inner(0.42), middle + 1.5, to) : '',
      label: { x: outer + Math.cos(angle) * outer * 1.3, y: outer + Math.sin(angle) * outer * 1.3 },
    };
  });
}

function bladePath(
  outer: number,
  state: State,
  from: number,
  to: number,
  middle: number,
  inner: (share: number) => number,
): string {
  if (state === 'none') return sector(outer, outer, inner(0.42), from, to);
  if (state === 'running') return sector(outer, outer, inner(1), from, middle - 1.5);
  if (state === 'bad') return sector(outer, outer, inner(1.32), from, to);
  if (state === 'watch') {
    return `${sector(outer, outer, inner(1), from, middle - 4)}${sector(outer, outer, inner(1), middle + 4, to)}`;
  }
  return sector(outer, outer, inner(1), from, to);
}

function sector(centre: number, outer: number, inner: number, from: number, to: number): string {
  const at = (radius: number, degrees: number): string => {
    const angle = (degrees * Math.PI) / 180;
    return `${round(centre + radius * Math.cos(angle))} ${round(centre + radius * Math.sin(angle))}`;
  };
  const large = to - from > 180 ? 1 : 0;
  return (
    `M${at(inner, from)}L${at(outer, from + SLANT)}` +
    `A${round(outer)} ${round(outer)} 0 ${large} 1 ${at(outer, to + SLANT)}` +
    `L${at(inner, to)}A${round(inner)} ${round(inner)} 0 ${large} 0 ${at(inner, from)}Z`
  );
}

const round = (value: number): number => Math.round(value * 100) / 100;

const RANK: Readonly<Record<State, number>> = { bad: 4, watch: 3, running: 2, good: 1, none: 0 };

/** The state that asks loudest; none for an empty list. */
export function worstState(states: readonly State[]): State {
  return states.reduce<State>((worst, state) => (RANK[state] > RANK[worst] ? state : worst), 'none');
}
