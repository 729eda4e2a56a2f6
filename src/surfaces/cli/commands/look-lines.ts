import type { EndpointRollout } from '../contract.ts';
import { count, none, percent } from '../format/text.ts';
import { comparisonLine } from './comparison-line.ts';

type Look = NonNullable<EndpointRollout['look']>;

/** What a look saw beyond the arms themselves: comparisons by outcomes, copies, and what must never happen. */
export function lookLines({ comparisons, shadow, guardrails }: Look): readonly string[] {
  return [
    ...comparisons.map(comparisonLine),
    ...shadow.map(shadowLine),
    ...guardrails.map((rail) => `${rail.name}: ${rail.verdict} – ${rail.reason}`),
  ];
}

/** `copies: 812 pairs, scores 0.012 apart, 99.5% of decisions alike, distributions 0.041 apart (0.018 of the champion's own)`. */
function shadowLine(s: Look['shadow'][number]): string {
  const where = s.segment ? ` where ${s.segment.feature} is ${s.segment.value}` : '';
  const number = (x: number | null) => x?.toFixed(3) ?? none;
  const alike = s.agreement === null ? none : percent(s.agreement);
  return (
    `copies${where}: ${count(s.pairs, 'pair')}, scores ${number(s.meanDistance)} apart, ${alike} of decisions alike, ` +
    `distributions ${number(s.scoreShift)} apart (${number(s.scoreNoise)} by chance alone)`
  );
}
