import { blockCount } from '../../verdict/inflation.ts';
import { type InflatedMoments, pairedMoments } from '../../verdict/paired-moments.ts';
import { Column } from './columns.ts';
import { HashIndex } from './hash-index.ts';
import { GroupedMoments, RunningMoments } from './running-moments.ts';

const hourMs = 3_600_000;
/** How many more pairs there are when it is looked again at how much neighbours resemble each other. */
const growth = 1.02;

interface Hour {
  requests: number;
  readonly differences: readonly RunningMoments[];
}

/**
 * Differences of pairs by entity, as `observePairs` reads them from the log: over all, hour by hour, and in stretches of
 * the order in which entities were met.
 */
export class PairGroup {
  readonly #metrics: number;
  readonly #units = new HashIndex();
  readonly #met = new Column('float', 0);
  readonly #requests = new Column('float', 0);
  readonly #sum = new Column('float', 0);
  readonly #n = new Column('int', 0);
  readonly #all: readonly GroupedMoments[];
  readonly #hours = new Map<number, Hour>();
  /** When the first entity was met, of those that are not of this group too. */
  #originMs: number;
  readonly #inflations = new Map<number, { readonly n: number; readonly inflation: number }>();

  constructor(metrics: number, originMs: number) {
    this.#metrics = metrics;
    this.#originMs = originMs;
    this.#all = this.#each(() => new GroupedMoments());
  }

  /** Memory that it takes. */
  get bytes(): number {
    const columns = [this.#units, this.#met, this.#requests, this.#sum, this.#n];
    return columns.reduce((sum, column) => sum + column.bytes, 0);
  }

  /** Moves the beginning of the first hour to an earlier time. */
  begin(originMs: number): void {
    this.#originMs = originMs;
    this.#hours.clear();
    for (let unit = 0; unit < this.#units.size; unit++) this.#place(unit, 1);
  }

  /**
   * The number of an entity that was met at this time (not before the beginning), perhaps not for the first time.
   *
   * @param entity a whole number that stands for it
   * @param requests of all arms that the pair stands for
   */
  meet(entity: number, atMs: number, requests: number): number {
    const known = this.#units.size;
    const unit = this.#units.add(entity);
    const isNew = unit === known;
    if (!isNew && atMs >= this.#met.get(unit) && requests >= this.#requests.get(unit)) return unit;
    if (!isNew) this.#place(unit, -1);
    this.#met.set(unit, isNew ? atMs : Math.min(atMs, this.#met.get(unit)));
    this.#requests.set(unit, isNew ? requests : Math.min(requests, this.#requests.get(unit)));
    this.#place(unit, 1);
    return unit;
  }

  /** Adds a difference, or takes one out that was added. */
  add(unit: number, metric: number, difference: number, sign: 1 | -1): void {
    const place = unit * this.#metrics + metric;
    const [sum, n] = [this.#sum.get(place), this.#n.get(place)];
    const hour = this.#hourOf(unit).differences[metric];
    this.#all[metric]?.move(sum, n, sum + sign * difference, n + sign);
    if (n > 0) hour?.remove(sum / n);
    this.#sum.set(place, sum + sign * difference);
    this.#n.set(place, n + sign);
    if (n + sign > 0) hour?.add((sum + sign * difference) / (n + sign));
  }

  /** See `pairedMoments`. Stretches are cut anew with every 2 % more pairs; everything else is as of now. */
  inflated(metric: number): InflatedMoments {
    const hours = [...this.#hours].map(([hour, { requests, differences }]) => {
      return { hour, requests, differences: (differences[metric] ?? new RunningMoments()).now };
    });
    const whole = pairedMoments([], hours);
    if (whole.moments.n > 0) return whole;
    const moments = this.#all[metric]?.moments.now ?? whole.moments;
    const last = this.#inflations.get(metric);
    if (last && moments.n >= last.n && moments.n <= last.n * growth) {
      return { moments, inflation: last.inflation };
    }
    const { inflation } = pairedMoments(this.#blocks(metric), []);
    this.#inflations.set(metric, { n: moments.n, inflation });
    return { moments, inflation };
  }

  /** Stretches of equally many entities with something known of them, the first ones longer by one (as SQL's ntile). */
  #blocks(metric: number): readonly RunningMoments[] {
    const known: number[] = [];
    for (let unit = 0; unit < this.#units.size; unit++) if (this.#isKnown(unit)) known.push(unit);
    const short = Math.floor(known.length / blockCount);
    const longer = known.length % blockCount;
    const blocks: RunningMoments[] = [];
    for (let from = 0; from < known.length; ) {
      const to = from + short + (blocks.length < longer ? 1 : 0);
      const block = new RunningMoments();
      for (const unit of known.slice(from, to)) {
        const place = unit * this.#metrics + metric;
        const n = this.#n.get(place);
        if (n > 0) block.add(this.#sum.get(place) / n);
      }
      blocks.push(block);
      from = to;
    }
    return blocks;
  }

  #isKnown(unit: number): boolean {
    for (let metric = 0; metric < this.#metrics; metric++)
      if (this.#n.get(unit * this.#metrics + metric) > 0) return true;
    return false;
  }

  #hourOf(unit: number): Hour {
    const number = Math.floor((this.#met.get(unit) - this.#originMs) / hourMs);
    let hour = this.#hours.get(number);
    if (!hour) {
      hour = { requests: 0, differences: this.#each(() => new RunningMoments()) };
      this.#hours.set(number, hour);
    }
    return hour;
  }

  /** Counts an entity in the hour in which it was met, or takes it out of there. */
  #place(unit: number, sign: 1 | -1): void {
    const hour = this.#hourOf(unit);
    hour.requests += sign * this.#requests.get(unit);
    for (const [metric, moments] of hour.differences.entries()) {
      const place = unit * this.#metrics + metric;
      const n = this.#n.get(place);
      if (n === 0) continue;
      const mean = this.#sum.get(place) / n;
      if (sign > 0) moments.add(mean);
      else moments.remove(mean);
    }
  }

  #each<T>(make: () => T): readonly T[] {
    return Array.from({ length: this.#metrics }, make);
  }
}
