import type { EndpointRollout } from '../contract.ts';
import { count, none } from '../format/text.ts';

/** `challenger logLoss where airport is ZRH: better by 0.0120 (-0.0010 to 0.0250) on 812 pairs, notWorse`. */
export function comparisonLine(c: NonNullable<EndpointRollout['look']>['comparisons'][number]): string {
  const where = c.segment ? ` where ${c.segment.feature} is ${c.segment.value}` : '';
  const interval = c.low === null || c.high === null ? '' : ` (${c.low.toFixed(4)} to ${c.high.toFixed(4)})`;
  const on = count(c.n, c.compared === 'pairs' ? 'pair' : 'label');
  return `${c.arm} ${c.metric}${where}: better by ${c.difference?.toFixed(4) ?? none}${interval} on ${on}, ${c.verdict}`;
}
