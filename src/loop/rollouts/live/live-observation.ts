import type { ArrivedLabel, ArrivedRow } from '../../../lifecycle/feedback/index.ts';
import type { RolloutMetric, RolloutSpec } from '../../contract.ts';
import type { ArmStratum, MetricMoments, PairedMoments } from '../../verdict/observation.ts';
import { metricsOf } from '../../verdict/observe.ts';
import { Column } from './columns.ts';
import { HashIndex, hash53 } from './hash-index.ts';
import { metricOf } from './metric-of.ts';
import { PairGroup } from './pair-group.ts';
import { GroupedMoments } from './running-moments.ts';

interface Stratum {
  readonly arm: string;
  readonly version: string;
  readonly routeVersion: number;
  readonly number: number;
  requests: number;
  failed: number;
  nonFinite: number;
  slow: number;
  labelled: number;
  newUnits: number;
  propensity: number;
  readonly metrics: readonly GroupedMoments[];
}

/** Labels that wait for their rows. */
const mostEarly = 20_000;

/**
 * What arms did since a rollout began, kept up to date row by row and label by label: the same counts and moments as
 * `observe` reads from the log, at a cost that does not grow with the rollout. It has no latencies, segments and shadow
 * comparisons. Of a prediction that was logged twice the first row counts. About 100 bytes a prediction.
 */
export class LiveObservation {
  readonly #spec: RolloutSpec;
  readonly #metrics: readonly RolloutMetric[];
  readonly #sinceRouteVersion: number;
  readonly #strata = new Map<string, Stratum>();
  readonly #byNumber: Stratum[] = [];
  readonly #predictions = new HashIndex();
  /** Of a prediction: stratum, unit and score of what the caller got, and of its copy; -1 and NaN: none. */
  readonly #stratum = [new Column('int', -1), new Column('int', -1)] as const;
  readonly #unit = [new Column('int', -1), new Column('int', -1)] as const;
  readonly #score = [new Column('float', Number.NaN), new Column('float', Number.NaN)] as const;
  readonly #label = new Column('float', Number.NaN);
  /** When the champion was asked, and how many requests of all arms stand behind that. */
  readonly #time = new Column('float', 0);
  readonly #requests = new Column('float', 0);
  readonly #labelTime = new Column('float', Number.NEGATIVE_INFINITY);
  readonly #pair = new Column('int', -1);
  /** Labels whose row is not here yet, the oldest first. */
  readonly #early = new Map<number, ArrivedLabel>();
  /** Entities by stratum, with sum and number of each metric, and whether they were new; and the first route that each was met under. */
  readonly #units = new HashIndex();
  readonly #unitSum = new Column('float', 0);
  readonly #unitN = new Column('int', 0);
  readonly #met = new Column('int', 0);
  readonly #firstRoutes = new HashIndex();
  readonly #firstRoute = new Column('int', 0);
  readonly #pairs = new Map<string, PairGroup>();

  constructor(spec: RolloutSpec, sinceRouteVersion: number) {
    this.#spec = spec;
    this.#metrics = metricsOf(spec);
    this.#sinceRouteVersion = sinceRouteVersion;
  }

  /** Predictions that it knows. */
  get size(): number {
    return this.#predictions.size;
  }

  addRow(row: ArrivedRow): void {
    if (row.routeVersion < this.#sinceRouteVersion || row.bucket === null || row.status === 'cancelled')
      return;
    const key = hash53(row.predictionId);
    const at = this.#predictions.add(key);
    const copy = row.arm === 'shadow' ? 1 : 0;
    if (this.#stratum[copy].get(at) >= 0) return;
    const stratum = this.#stratumOf(row);
    const isOk = row.status === 'ok';
    stratum.requests++;
    stratum.propensity += ((row.propensity ?? 0) - stratum.propensity) / stratum.requests;
    if (!isOk) stratum.failed++;
    if (row.status === 'output_not_finite' || (isOk && row.score !== null && !Number.isFinite(row.score)))
      stratum.nonFinite++;
    const { maxLatencyP99Ms: slowMs } = this.#spec;
    if (isOk && slowMs !== undefined && row.latencyUs > Math.round(slowMs * 1000)) stratum.slow++;
    const unit = row.entity === null ? -1 : this.#units.add(hash53(row.entity, stratum.number + 1));
    this.#stratum[copy].set(at, stratum.number);
    this.#unit[copy].set(at, unit);
    if (isOk && row.score !== null && Number.isFinite(row.score)) this.#score[copy].set(at, row.score);
    if (copy === 0) this.#meet(row, stratum, unit);
    if (row.arm === 'champion') {
      this.#time.set(at, row.eventTimeMs);
      this.#requests.set(at, 1 / (row.propensity ?? 1));
    }
    this.#count(at, copy, 1);
    this.#pairUp(at, row.entity ?? row.predictionId);
    const early = this.#early.get(key);
    if (!early) return;
    this.#early.delete(key);
    this.#setLabel(at, early);
  }

  /**
   * A label of a prediction that is not known waits for its row, unless very many come behind it: most such labels are of
   * predictions from before the rollout.
   */
  addLabel(label: ArrivedLabel): void {
    const key = hash53(label.predictionId);
    const at = this.#predictions.find(key);
    if (at >= 0) {
      this.#setLabel(at, label);
      return;
    }
    const before = this.#early.get(key);
    if (before && before.eventTimeMs > label.eventTimeMs) return;
    this.#early.delete(key);
    this.#early.set(key, label);
    for (const oldest of this.#early.keys()) {
      if (this.#early.size <= mostEarly) break;
      this.#early.delete(oldest);
    }
  }

  #setLabel(at: number, { value, eventTimeMs }: ArrivedLabel): void {
    if (eventTimeMs < this.#labelTime.get(at)) return;
    this.#labelTime.set(at, eventTimeMs);
    const label = value ?? Number.NaN;
    if (Object.is(label, this.#label.get(at))) return;
    for (const copy of [0, 1] as const) this.#count(at, copy, -1);
    this.#countPair(at, -1);
    this.#label.set(at, label);
    for (const copy of [0, 1] as const) this.#count(at, copy, 1);
    this.#countPair(at, 1);
  }

  /** What is known now: arms, copies, and pairs of both. */
  get now(): {
    readonly strata: readonly ArmStratum[];
    readonly shadows: readonly ArmStratum[];
    readonly pairs: readonly PairedMoments[];
  } {
    const all = this.#byNumber.map(
      ({ number: _, metrics, ...counts }): ArmStratum => ({ ...counts, metrics: this.#named(metrics) }),
    );
    return {
      strata: all.filter((s) => s.arm !== 'shadow'),
      shadows: all.filter((s) => s.arm === 'shadow'),
      pairs: [...this.#pairs].flatMap(([version, group]) => {
        const found = this.#metrics.map((metric, i) => [metric, group.inflated(i)] as const);
        if (found.every(([, { moments }]) => moments.n === 0)) return [];
        return {
          version,
          metrics: Object.fromEntries(found.map(([metric, { moments }]) => [metric, moments])),
          inflation: Object.fromEntries(found.map(([metric, { inflation }]) => [metric, inflation])),
        };
      }),
    };
  }

  #named(moments: readonly GroupedMoments[]): MetricMoments {
    return Object.fromEntries(this.#metrics.map((metric, i) => [metric, moments[i]?.moments.now]));
  }

  #stratumOf({ arm, version, routeVersion }: ArrivedRow): Stratum {
    const key = `${arm}/${version}/${routeVersion}`;
    const known = this.#strata.get(key);
    if (known) return known;
    const made: Stratum = {
      ...{ arm, version, routeVersion, number: this.#byNumber.length },
      ...{ requests: 0, failed: 0, nonFinite: 0, slow: 0, labelled: 0, newUnits: 0, propensity: 0 },
      metrics: this.#metrics.map(() => new GroupedMoments()),
    };
    this.#strata.set(key, made);
    this.#byNumber.push(made);
    return made;
  }

  /** Counts an entity where it was met first: under the lowest route. */
  #meet({ entity, routeVersion }: ArrivedRow, stratum: Stratum, unit: number): void {
    if (entity === null) {
      stratum.newUnits++;
      return;
    }
    const key = hash53(entity);
    const known = this.#firstRoutes.find(key);
    const before = known < 0 ? Number.POSITIVE_INFINITY : this.#firstRoute.get(known);
    if (routeVersion > before) return;
    if (routeVersion < before) {
      // Rows of an earlier route may come later.
      for (const other of this.#byNumber)
        if (other.routeVersion === before && other.arm !== 'shadow' && this.#isMet(entity, other))
          other.newUnits--;
      this.#firstRoute.set(this.#firstRoutes.add(key), routeVersion);
    }
    if (this.#met.get(unit) === 1) return;
    this.#met.set(unit, 1);
    stratum.newUnits++;
  }

  #isMet(entity: string, { number }: Stratum): boolean {
    const unit = this.#units.find(hash53(entity, number + 1));
    return unit >= 0 && this.#met.get(unit) === 1;
  }

  /** Adds what a row and its label say to its stratum, or takes it out again. */
  #count(at: number, copy: 0 | 1, sign: 1 | -1): void {
    const stratum = this.#byNumber[this.#stratum[copy].get(at)];
    const label = this.#label.get(at);
    if (!stratum || Number.isNaN(label)) return;
    stratum.labelled += sign;
    const unit = this.#unit[copy].get(at);
    for (const [i, metric] of this.#metrics.entries()) {
      const value = metricOf(metric, this.#spec, this.#score[copy].get(at), label);
      const moments = stratum.metrics[i];
      if (Number.isNaN(value) || !moments) continue;
      if (unit < 0) {
        if (sign > 0) moments.moments.add(value);
        else moments.moments.remove(value);
        continue;
      }
      const place = unit * this.#metrics.length + i;
      const [sum, n] = [this.#unitSum.get(place), this.#unitN.get(place)];
      moments.move(sum, n, sum + sign * value, n + sign);
      this.#unitSum.set(place, sum + sign * value);
      this.#unitN.set(place, n + sign);
    }
  }

  /** Makes a pair of what the champion answered and its copy, once both are there. */
  #pairUp(at: number, unit: string): void {
    const copy = this.#byNumber[this.#stratum[1].get(at)];
    const own = this.#byNumber[this.#stratum[0].get(at)];
    if (!copy || own?.arm !== 'champion' || this.#pair.get(at) >= 0) return;
    let group = this.#pairs.get(copy.version);
    if (!group) {
      group = new PairGroup(this.#metrics.length);
      this.#pairs.set(copy.version, group);
    }
    this.#pair.set(at, group.meet(unit, this.#time.get(at), this.#requests.get(at)));
    this.#countPair(at, 1);
  }

  #countPair(at: number, sign: 1 | -1): void {
    const unit = this.#pair.get(at);
    const label = this.#label.get(at);
    if (unit < 0 || Number.isNaN(label)) return;
    const group = this.#pairs.get(this.#byNumber[this.#stratum[1].get(at)]?.version ?? '');
    for (const [i, metric] of this.#metrics.entries()) {
      const own = metricOf(metric, this.#spec, this.#score[0].get(at), label);
      const copy = metricOf(metric, this.#spec, this.#score[1].get(at), label);
      if (!Number.isNaN(copy - own)) group?.add(unit, i, copy - own, sign);
    }
  }
}
