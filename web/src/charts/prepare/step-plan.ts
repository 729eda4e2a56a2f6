/** One stop of a rollout's plan. */
export type PlanStep = {
  readonly key: string;
  readonly label: string;
  readonly state: 'done' | 'now' | 'ahead' | 'failed';
  /** Share of what the present step needs, 0..1; 1 when done, 0 when ahead. */
  readonly progress: number;
  readonly note: string;
};

export type PlanInput = {
  readonly steps: readonly number[];
  /** Shadow comes before the first percent step when the plan has one. */
  readonly shadow: boolean;
  readonly stage: 'shadow' | 'canary' | 'before' | 'promoted' | 'stopped';
  readonly step: number | null;
  /** Promoted at `step`, by a person: the steps after it were never walked. */
  readonly early?: boolean;
  readonly needs: readonly { readonly have: number; readonly need: number }[];
  readonly note: string;
};

/**
 * Shadow, then each percent, with the state of each. When the rollout was stopped, the step where it stood is
 * failed and nothing after it is done.
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
      return { key, label, state: 'done', progress: 1, note: '' };
    if (index > at) return { key, label, state: 'ahead', progress: 0, note: '' };
    const state = stage === 'stopped' ? 'failed' : 'now';
    return { key, label, state, progress: state === 'failed' ? 1 : leastDone(input.needs), note: input.note };
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
