import type { RolloutMetric } from '../../contract.ts';
import type { ArmRepeats } from '../../verdict/observation.ts';
import type { LiveSlice, LiveStratum } from './live-slices.ts';

/** What entities said in one stratum each, by unit. */
export interface Units {
  readonly size: number;
  /** Entities in all. */
  readonly entities: number;
  /** The number of its stratum. */
  stratumOf(unit: number): number;
  entityOf(unit: number): number;
  /** Its mean of a metric; NaN: nothing is known. */
  meanOf(unit: number, metric: number): number;
}

/** See `observeRepeats`: by how much each arm's difference to the champion is less certain, as entities came back. */
export function liveRepeats(
  { sorted: strata }: LiveSlice,
  units: Units,
  metrics: readonly (readonly [RolloutMetric, number])[],
): readonly ArmRepeats[] {
  const champions = strata.filter((s) => s.arm === 'champion');
  const others = strata.filter((s) => s.arm !== 'champion' && s.arm !== 'shadow');
  return [...Map.groupBy(others, ({ arm, version }) => `${arm}/${version}`).values()].flatMap((own) => {
    const [first] = own;
    const both = own.flatMap((challenger) => {
      const champion = champions.find((c) => c.routeVersion === challenger.routeVersion);
      return champion ? [{ challenger, champion }] : [];
    });
    if (!first || both.length === 0) return [];
    const inflation = Object.fromEntries(metrics.map(([name, at]) => [name, inflationOf(both, units, at)]));
    return [{ arm: first.arm, version: first.version, inflation }];
  });
}

function inflationOf(
  both: readonly { readonly challenger: LiveStratum; readonly champion: LiveStratum }[],
  units: Units,
  metric: number,
): number {
  const weights = new Map<number, { readonly weight: number; readonly mean: number }>();
  let alone = 0;
  for (const { challenger, champion } of both) {
    const [own, other] = [challenger.moments(metric), champion.moments(metric)];
    if (own.n === 0 || other.n === 0) continue;
    const [weight, otherWeight] = [other.n / (own.n + other.n), -own.n / (own.n + other.n)];
    weights.set(challenger.number, { weight, mean: own.mean });
    weights.set(champion.number, { weight: otherWeight, mean: other.mean });
    alone += weight * weight * own.m2 + otherWeight * otherWeight * other.m2;
  }
  if (!(alone > 0)) return 1;
  const sums = new Float64Array(units.entities);
  let together = alone;
  for (let unit = 0; unit < units.size; unit++) {
    const part = weights.get(units.stratumOf(unit));
    const mean = part ? units.meanOf(unit, metric) : Number.NaN;
    if (!part || Number.isNaN(mean)) continue;
    const added = part.weight * (mean - part.mean);
    const who = units.entityOf(unit);
    const before = sums[who] ?? 0;
    sums[who] = before + added;
    // (before + added)² − before² − added²
    together += 2 * before * added;
  }
  return Math.max(1, together / alone);
}
