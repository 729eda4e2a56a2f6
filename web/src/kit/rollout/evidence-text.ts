import type {
  ArmComparison,
  EndpointRollout,
  Guardrail,
  RolloutLook,
} from '../../../../src/loop/contract.ts';
import type { State } from '../../charts/prepare/wheel.ts';
import { formatCount, formatDuration } from '../format.ts';

export const VERDICT: Readonly<Record<ArmComparison['verdict'], readonly [State, string]>> = {
  worse: ['bad', 'worse'],
  undecided: ['none', 'open'],
  notWorse: ['good', 'not worse'],
  better: ['good', 'better'],
};

export const RAIL_STATE: Readonly<Record<Guardrail['verdict'], State>> = {
  pass: 'good',
  fail: 'bad',
  waiting: 'none',
};

/** The lines at which something is decided, with what is decided there. Above 0 is better, whatever the metric. */
export function boundsOf(judged: {
  readonly isPrimary: boolean;
  /** A canary is aborted by harm; of an A/B or a bandit it is told. */
  readonly isCanary: boolean;
  readonly prove: 'notWorse' | 'better';
  readonly margin: number;
}): readonly { readonly value: number; readonly label: string }[] {
  const { isPrimary, isCanary, prove, margin } = judged;
  const harm = isCanary ? 'all below: abort' : 'all below: worse';
  if (isPrimary && prove === 'better') return [{ value: 0, label: `all above 0: better; ${harm}` }];
  const least = { value: -margin, label: `all above −${margin}: not worse` };
  return isPrimary ? [{ value: 0, label: harm }, least] : [{ ...least, label: `${least.label}; ${harm}` }];
}

/** What the present step still needs: `100 of 400 labels, 2 h of 1 d event time`; empty when nothing. */
export function needText(
  look: Pick<RolloutLook, 'requests' | 'labels' | 'timeMs'>,
  stage: EndpointRollout['step']['stage'],
): string {
  const parts: readonly (readonly [RolloutLook['requests'], (value: number) => string, string])[] = [
    [look.requests, formatCount, stage === 'shadow' ? 'copies' : 'requests'],
    [look.labels, formatCount, 'labels'],
    [look.timeMs, formatDuration, 'event time'],
  ];
  return parts
    .filter(([{ have, need }]) => have < need)
    .map(([{ have, need }, format, what]) => `${format(have)} of ${format(need)} ${what}`)
    .join(', ');
}
