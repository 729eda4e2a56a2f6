import type { MetricSummary } from '../../../../../src/lifecycle/experiments/contract.ts';
import { byName } from '../../../kit/by-name.ts';

type MetricGroup = { readonly name: string; readonly metrics: readonly MetricSummary[] };

const OWN = 'Metrics';
const SYSTEM = 'system';

/**
 * Metrics by what stands before the first slash of their names, as people write them (`train/loss`, `eval/loss`).
 * Those without a slash come first, those of the machine last. One group when no name has a slash.
 */
export function groupMetrics(metrics: readonly MetricSummary[]): readonly MetricGroup[] {
  const groups = new Map<string, MetricSummary[]>();
  for (const metric of metrics) {
    const slash = metric.key.indexOf('/');
    const name = slash > 0 ? metric.key.slice(0, slash) : OWN;
    const list = groups.get(name) ?? [];
    list.push(metric);
    groups.set(name, list);
  }
  const place = (name: string): number => (name === OWN ? 0 : name === SYSTEM ? 2 : 1);
  return [...groups]
    .map(([name, list]) => ({ name, metrics: list }))
    .toSorted((a, b) => place(a.name) - place(b.name) || byName(a.name, b.name));
}
