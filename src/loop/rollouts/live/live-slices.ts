import { emptyMoments, type Moments } from '../../../core/statistics/moments.ts';
import type { ArrivedRow } from '../../../lifecycle/feedback/index.ts';
import type { RolloutMetric } from '../../contract.ts';
import { bandRanks } from '../../verdict/latency-bands.ts';
import type { ArmRepeats, MetricMoments, PairedMoments } from '../../verdict/observation.ts';
import { canRepeat } from '../../verdict/observe-repeats.ts';
import { Column } from './columns.ts';
import { HashIndex } from './hash-index.ts';
import { liveRepeats, type Units } from './live-repeats.ts';
import { OrderStatistics } from './order-statistics.ts';
import { PairGroup } from './pair-group.ts';
import { GroupedMoments } from './running-moments.ts';

/** An arm's own rows, or copies of the champion's: what a prediction has one of each at most. */
export type Copy = 0 | 1;

/** What one arm did under one route version, among the rows of a slice. */
export class LiveStratum {
  readonly slice: LiveSlice;
  readonly number: number;
  readonly arm: string;
  readonly version: string;
  readonly routeVersion: number;
  requests = 0;
  failed = 0;
  refused = 0;
  nonFinite = 0;
  slow = 0;
  labelled = 0;
  units = 0;
  failedUnits = 0;
  newUnits = 0;
  propensity = 0;
  readonly metrics: readonly GroupedMoments[];
  readonly #latencyUs = new OrderStatistics();
  #band = { n: -1, alpha: -1, found: emptyBand };

  constructor(
    slice: LiveSlice,
    number: number,
    { arm, version, routeVersion }: ArrivedRow,
    metrics: readonly GroupedMoments[],
  ) {
    this.slice = slice;
    this.number = number;
    this.arm = arm;
    this.version = version;
    this.routeVersion = routeVersion;
    this.metrics = metrics;
  }

  /** Takes the latency of a request that was answered. */
  answeredIn(latencyUs: number): void {
    this.#latencyUs.add(latencyUs);
  }

  /** The 99th percentile of latency with its bounds; see `latencyBands`. */
  latency(n: number, alpha: number): typeof emptyBand {
    if (this.#band.n === n && this.#band.alpha === alpha) return this.#band.found;
    const ranks = bandRanks(n, alpha);
    const ms = (rank: number | null) => (rank === null ? null : this.#latencyUs.at(rank) / 1000);
    this.#band = { n, alpha, found: { value: ms(ranks.value), low: ms(ranks.low), high: ms(ranks.high) } };
    return this.#band.found;
  }

  /** Of a metric of the plan, by its place. */
  moments(metric: number): Moments {
    return this.metrics[metric]?.moments.now ?? emptyMoments;
  }

  /** Memory that it takes beside what is the same for each. */
  get bytes(): number {
    return this.#latencyUs.bytes;
  }

  named(metrics: readonly RolloutMetric[]): MetricMoments {
    return Object.fromEntries(metrics.map((metric, i) => [metric, this.metrics[i]?.moments.now]));
  }
}

/** How many more entities there are when it is looked again at how much those say that came back. */
const repeatsGrowth = 1.02;

const emptyBand: {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
} = { value: null, low: null, high: null };

/** Rows with one value of a feature, or all rows. */
export class LiveSlice {
  readonly value: string;
  /** Of all arms, copies too. */
  requests = 0;
  readonly strata = new Map<string, LiveStratum>();
  /** By the version that the champion is compared with. */
  readonly pairs = new Map<string, PairGroup>();
  #repeats: { readonly n: number; readonly strata: number; readonly found: readonly ArmRepeats[] } | null =
    null;

  constructor(value: string) {
    this.value = value;
  }

  /** Versions of which pairs say something. */
  pairedMoments(metrics: readonly RolloutMetric[]): readonly PairedMoments[] {
    return [...this.pairs].sort(byVersion).flatMap(([version, group]) => {
      const found = metrics.map((metric, i) => [metric, group.inflated(i)] as const);
      if (found.every(([, { moments }]) => moments.n === 0)) return [];
      return {
        version,
        metrics: Object.fromEntries(found.map(([metric, { moments }]) => [metric, moments])),
        inflation: Object.fromEntries(found.map(([metric, { inflation }]) => [metric, inflation])),
      };
    });
  }

  /** See `observeRepeats`. Counted anew with every 2 % more entities. */
  repeats(units: Units, metrics: readonly (readonly [RolloutMetric, number])[]): readonly ArmRepeats[] {
    if (metrics.length === 0 || !canRepeat([...this.strata.values()])) return [];
    const first = metrics[0]?.[1] ?? 0;
    const n = [...this.strata.values()].reduce((sum, s) => sum + s.moments(first).n, 0);
    const { size } = this.strata;
    const last = this.#repeats;
    if (last && last.strata === size && n >= last.n && n <= last.n * repeatsGrowth) return last.found;
    this.#repeats = { n, strata: size, found: liveRepeats(this, units, metrics) };
    return this.#repeats.found;
  }

  /** In the order in which the log gives them. */
  get sorted(): readonly LiveStratum[] {
    return [...this.strata.values()].sort(
      (a, b) => compare(a.arm, b.arm) || compare(a.version, b.version) || a.routeVersion - b.routeVersion,
    );
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const byVersion = (a: readonly [string, unknown], b: readonly [string, unknown]): number =>
  compare(a[0], b[0]);

/** A row's place: what it is of, and whose it is there; -1: of nobody, or a copy. */
export interface Placed {
  readonly stratum: LiveStratum;
  readonly unit: number;
}

/** All rows, cut into slices by one feature, with what the outcomes of each slice's arms and pairs are. */
export class LiveSlices {
  readonly slices = new Map<string, LiveSlice>();
  readonly #metrics: number;
  readonly #strata: LiveStratum[] = [];
  /** Of a prediction: stratum of what the caller got, and of its copy; entities of the answer, and of the pair. -1: none. */
  readonly #stratum = [new Column('int', -1), new Column('int', -1)] as const;
  readonly #unit = new Column('int', -1);
  readonly #pair = new Column('int', -1);
  /** Entities by stratum, with sum and number of each metric. Of copies nothing is known but that they have a label. */
  readonly #units = new HashIndex();
  readonly #unitSum = new Column('float', 0);
  readonly #unitN = new Column('int', 0);
  /** Of an entity in a stratum: both; null where nobody asks who came back. */
  readonly #whose: readonly [Column, Column] | null;

  /** @param comparesArms whether arms are compared by their own requests, so that it counts who came back */
  constructor(metrics: number, comparesArms: boolean) {
    this.#metrics = metrics;
    this.#whose = comparesArms ? [new Column('int', -1), new Column('int', -1)] : null;
  }

  /** Memory that it takes. */
  get bytes(): number {
    const columns = [...this.#stratum, this.#unit, this.#pair, this.#units, this.#unitSum, this.#unitN];
    let bytes = [...columns, ...(this.#whose ?? []), ...this.#strata].reduce(
      (sum, part) => sum + part.bytes,
      0,
    );
    for (const { pairs } of this.slices.values()) for (const group of pairs.values()) bytes += group.bytes;
    return bytes;
  }

  /**
   * Puts a row where it belongs.
   *
   * @param who the entity's number; -1: the request was nobody's
   */
  place(at: number, copy: Copy, row: ArrivedRow, value: string, who: number): Placed {
    let slice = this.slices.get(value);
    if (!slice) {
      slice = new LiveSlice(value);
      this.slices.set(value, slice);
    }
    slice.requests++;
    const key = `${row.arm}/${row.version}/${row.routeVersion}`;
    let stratum = slice.strata.get(key);
    if (!stratum) {
      const metrics = Array.from({ length: this.#metrics }, () => new GroupedMoments());
      stratum = new LiveStratum(slice, this.#strata.length, row, metrics);
      slice.strata.set(key, stratum);
      this.#strata.push(stratum);
    }
    this.#stratum[copy].set(at, stratum.number);
    if (copy === 1 || who < 0) return { stratum, unit: -1 };
    const unit = this.#units.add(unitKey(who, stratum));
    this.#unit.set(at, unit);
    this.#whose?.[0].set(unit, stratum.number);
    this.#whose?.[1].set(unit, who);
    return { stratum, unit };
  }

  stratumOf(at: number, copy: Copy): LiveStratum | undefined {
    return this.#strata[this.#stratum[copy].get(at)];
  }

  /** Those that rows of one route are in. */
  strataOfRoute(routeVersion: number): readonly LiveStratum[] {
    return this.#strata.filter((stratum) => stratum.routeVersion === routeVersion);
  }

  /** The number of an entity in a stratum; -1: it was not met there. */
  findUnit(who: number, stratum: LiveStratum): number {
    return this.#units.find(unitKey(who, stratum));
  }

  /** Adds what a row and its label say to its stratum, or takes it out again; NaN: nothing is known. */
  count(at: number, copy: Copy, values: readonly number[], sign: 1 | -1): void {
    const stratum = this.stratumOf(at, copy);
    if (!stratum) return;
    stratum.labelled += sign;
    if (copy === 1) return;
    const unit = this.#unit.get(at);
    for (const [i, value] of values.entries()) {
      const moments = stratum.metrics[i];
      if (Number.isNaN(value) || !moments) continue;
      if (unit < 0) {
        if (sign > 0) moments.moments.add(value);
        else moments.moments.remove(value);
        continue;
      }
      const place = unit * this.#metrics + i;
      const [sum, n] = [this.#unitSum.get(place), this.#unitN.get(place)];
      moments.move(sum, n, sum + sign * value, n + sign);
      this.#unitSum.set(place, sum + sign * value);
      this.#unitN.set(place, n + sign);
    }
  }

  /**
   * Who came back in a slice; see `observeRepeats`.
   *
   * @param entities how many there are in all
   */
  repeats(
    slice: LiveSlice,
    metrics: readonly (readonly [RolloutMetric, number])[],
    entities: number,
  ): readonly ArmRepeats[] {
    const whose = this.#whose;
    if (!whose) return [];
    return slice.repeats(
      {
        size: this.#units.size,
        entities,
        stratumOf: (unit) => whose[0].get(unit),
        entityOf: (unit) => whose[1].get(unit),
        meanOf: (unit, metric) => {
          const place = unit * this.#metrics + metric;
          return this.#unitSum.get(place) / (this.#unitN.get(place) || Number.NaN);
        },
      },
      metrics,
    );
  }

  /** Begins the hours of a version's pairs earlier. */
  beginPairs(version: string, atMs: number): void {
    for (const { pairs } of this.slices.values()) pairs.get(version)?.begin(atMs);
  }

  /**
   * Makes a pair of a prediction in the slice of its copy.
   *
   * @param unit whose it is: a whole number, the same for all pairs of an entity
   * @param beganMs when the first pair of this version was met
   */
  pairUp(at: number, unit: number, met: { atMs: number; requests: number }, beganMs: number): void {
    const copy = this.stratumOf(at, 1);
    if (!copy) return;
    const { pairs } = copy.slice;
    let group = pairs.get(copy.version);
    if (!group) {
      group = new PairGroup(this.#metrics, beganMs);
      pairs.set(copy.version, group);
    }
    this.#pair.set(at, group.meet(unit, met.atMs, met.requests));
  }

  /** Adds what a pair differs by, or takes it out again; NaN: nothing is known. */
  countPair(at: number, differences: readonly number[], sign: 1 | -1): void {
    const unit = this.#pair.get(at);
    const copy = this.stratumOf(at, 1);
    const group = unit < 0 ? undefined : copy?.slice.pairs.get(copy.version);
    for (const [i, difference] of differences.entries())
      if (!Number.isNaN(difference)) group?.add(unit, i, difference, sign);
  }
}

/** Of fewer than 2^27 entities and 2^26 strata. */
const unitKey = (who: number, { number }: LiveStratum): number => who * 2 ** 26 + number + 1;
