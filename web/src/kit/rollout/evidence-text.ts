import type {
  ArmComparison,
  EndpointRollout,
  Guardrail,
  RolloutLook,
} from '../../../../src/loop/contract.ts';
import type { State } from '../../charts/prepare/wheel.ts';
import { decimalsFor, formatCount, formatDuration, formatNumber } from '../format.ts';
import { metricText } from '../metric.ts';

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

/** The name of a check or of a policy with its arm as the screens name arms: `errors of b` is `errors of v2 b`. */
export function withVersion(name: string, versions: ReadonlyMap<string, string>): string {
  const ofArm = /^(?:only|(?:errors|scores|latency p99|latency beside the champion) of) (.+)$/s;
  const arm = ofArm.exec(name)?.[1];
  const version = arm && versions.get(arm);
  return arm && version ? `${name.slice(0, -arm.length)}v${version} ${arm}` : name;
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
    .map(([{ have, need }, format, what]) => {
      const [has, needs] = [format(have), format(need)];
      return `${has === needs ? `almost ${needs}` : `${has} of ${needs}`} ${what}`;
    })
    .join(', ');
}

/**
 * Which of two versions is better by one metric, whether that is proved, and between which bounds the difference lies:
 * one sentence without signs. `need` is how many labelled outcomes it must rest on, 0 when not known. `notWorse` and `worse` are the server's verdicts, which know the margin.
 */
export function comparisonText(
  compared: ArmComparison,
  champion: string,
  challenger: string,
  need = 0,
): string {
  const { difference, low, high, margin, verdict } = compared;
  const metric = metricWord(compared.metric);
  if (difference === null || low === null || high === null)
    return `Too few labelled outcomes to compare v${challenger} with v${champion} by ${metric}: ${formatCount(compared.n)} so far${compared.n < need ? `, ${formatCount(need)} are needed` : ''}.`;
  const decimals = decimalsFor((high - low) / 2);
  const size = (value: number): string => formatNumber(Math.abs(value), decimals);
  const way = (value: number): string => `${size(value)} ${value < 0 ? 'worse' : 'better'}`;
  const seen = Number(difference.toFixed(decimals)) === 0 ? 'the same' : way(difference);
  if (low > 0 || high < 0) {
    const [near, far] = low > 0 ? [low, high] : [high, low];
    const better = low > 0 ? 'better' : 'worse';
    return `v${challenger} is proved ${better} than v${champion}: ${metric} ${way(difference)}, between ${size(near)} and ${size(far)}.`;
  }
  const soFar = `${metric} ${seen} so far; from ${way(low)} to ${way(high)} is possible`;
  if (verdict === 'notWorse')
    return `v${challenger} is proved not worse than v${champion} (by more than ${formatNumber(margin)}), but not better: ${soFar}.`;
  return `It is not proved yet which is better, v${challenger} or v${champion}: ${soFar}.`;
}

/** A metric's name within a sentence. */
const metricWord = (name: string): string => {
  const { title } = metricText(name);
  return /^[A-Z][a-z]+( [a-z]|$)/.test(title) && !/^(Matthews|Brier)/.test(title)
    ? `${title[0]?.toLowerCase()}${title.slice(1)}`
    : title;
};
