import type { State } from './wheel.ts';

/** One stop of a rollout's plan. */
export type PlanStep = {
  readonly key: string;
  readonly label: string;
  readonly state: 'done' | 'now' | 'ahead' | 'stopped';
  /** How the rollout ended on this step: the sign that it has everywhere; null for steps that it did not end on. */
  readonly end: State | null;
  /** Share of what the present step needs, 0..1; 1 when done, 0 when ahead. */
  readonly progress: number;
  readonly note: string;
};

export type PlanInput = {
  readonly steps: readonly number[];
  /** Shadow comes before the first percent step when the plan has one. */
  readonly shadow: boolean;
  readonly stage: 'shadow' | 'canary' | 'before' | 'promoted' | 'stopped';
  /** The state of a rollout that was stopped. */
  readonly end: State;
  readonly step: number | null;
  /** Promoted at `step`, by a person: the steps after it were never walked. */
  readonly early?: boolean;
  readonly needs: readonly { readonly have: number; readonly need: number }[];
  readonly note: string;
};

/**
 * Shadow, then each percent, with the state of each. When the rollout was stopped, the step where it stood
 * says how it ended and nothing after it is done.
 */
export function prepareStepPlan(input: PlanInput): readonly PlanStep[] {
  const { stage, step } = input;
  const stops = [...(input.shadow ? ['shadow' as const] : []), ...input.steps];
  const walked = input.early ? position(input) + 1 : stops.length;
  const at = stage === 'promoted' ? walked - 1 : stage === 'before' ? -1 : position(input);
  return stops.map((stop, index) => {
    const label = stop === 'shadow' ? 'Shadow' : `${stop}\u202f%`;
    const key = String(stop);
    if (index < at || (stage === 'promoted' && index === at))
      return { key, label, state: 'done', end: null, progress: 1, note: '' };
    if (index > at) return { key, label, state: 'ahead', end: null, progress: 0, note: '' };
    if (stage === 'stopped')
      return { key, label, state: 'stopped', end: input.end, progress: 1, note: input.note };
    return { key, label, state: 'now', end: null, progress: leastDone(input.needs), note: input.note };
  });

  function position(plan: PlanInput): number {
    const before = plan.shadow ? 1 : 0;
    return step === null ? 0 : before + step;
  }
}

/** The need that is furthest from being met decides; a need of zero is met. */
export function leastDone(needs: PlanInput['needs']): number {
  return needs.reduce(
    (least, { have, need }) => Math.min(least, need <= 0 ? 1 : Math.min(1, have / need)),
    1,
  );
}
