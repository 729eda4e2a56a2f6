import type { EndpointRollout } from '../contract.ts';
import { count, none } from '../format/text.ts';

/** `challenger logLoss where airport is ZRH: worse by 0.0120 (-0.0010 to 0.0250) on 812 pairs, undecided`. */
export function comparisonLine(c: NonNullable<EndpointRollout['look']>['comparisons'][number]): string {
  const where = c.segment ? ` where ${c.segment.feature} is ${c.segment.value}` : '';
  const on = count(c.n, c.compared === 'pairs' ? 'pair' : 'label');
  return `${c.arm} ${c.metric}${where}: ${differenceText(c)} on ${on}, ${c.verdict}`;
}

/** In the direction that the difference has: no reader has to turn a sign round. */
function differenceText({
  difference,
  low,
  high,
}: {
  readonly difference: number | null;
  readonly low: number | null;
  readonly high: number | null;
}): string {
  if (difference === null) return `better by ${none}`;
  const isWorse = difference < 0;
  const number = (x: number) => (isWorse ? -x : x).toFixed(4);
  const interval =
    low === null || high === null
      ? ''
      : ` (${isWorse ? number(high) : number(low)} to ${isWorse ? number(low) : number(high)})`;
  return `${isWorse ? 'worse' : 'better'} by ${number(difference)}${interval}`;
}
