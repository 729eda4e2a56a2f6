import { type ArrivedLabel, type ArrivedRow, noVerdictStatuses } from '../../../lifecycle/feedback/index.ts';
import type { RolloutMetric, RolloutSpec } from '../../contract.ts';
import { latencyGroups } from '../../verdict/latency-bands.ts';
import {
  type ArmStratum,
  judgedValues,
  type LatencyBand,
  type Observation,
  type SegmentObservation,
} from '../../verdict/observation.ts';
import { metricsOf } from '../../verdict/observe.ts';
import { Column } from './columns.ts';
import { FirstMet } from './first-met.ts';
import { HashIndex, hash53 } from './hash-index.ts';
import { type Copy, LiveSlices, type LiveStratum } from './live-slices.ts';
import { metricOf } from './metric-of.ts';
import { TimeQueue } from './time-queue.ts';

/** Labels that wait for their rows. */
const mostEarly = 20_000;
/** Values of one protected feature that are told apart. */
const mostValues = 1000;
/** Predictions times protected features: so many are kept by segment. */
const mostSegmented = 2_000_000;
const copies = [0, 1] as const;

/**
 * What arms did since a rollout began, kept up to date row by row and label by label: the same counts, moments and
 * latencies as `observe` reads from the log, over all and in each protected segment, at a cost that does not grow with the
 * rollout. What copies say of distributions is not here. Of a prediction that was logged twice the first row counts.
 *
 * About 140 bytes a row, and 80 more for each protected feature. A feature of more than 1,000 values, and all of
 * them beyond two million predictions times features, are left to the readings of the log.
 */
export class LiveObservation {
  readonly #spec: RolloutSpec;
  readonly #metrics: readonly RolloutMetric[];
  readonly #sinceRouteVersion: number;
  readonly #predictions = new HashIndex();
  /** Of a prediction: what the caller got, and its copy; NaN: no score. */
  readonly #score = [new Column('float', Number.NaN), new Column('float', Number.NaN)] as const;
  readonly #label = new Column('float', Number.NaN);
  readonly #labelTime = new Column('float', Number.NEGATIVE_INFINITY);
  /** When the champion was asked, and how many requests of all arms stand behind that. */
  readonly #time = new Column('float', 0);
  readonly #requests = new Column('float', 0);
  readonly #pairBegan = new Map<string, number>();
  /** Labels whose row is not here yet, the oldest first. */
  readonly #early = new Map<number, ArrivedLabel>();
  readonly #all: LiveSlices;
  /** By protected feature, in the order of the plan; null: left to the log. */
  readonly #segments: (LiveSlices | null)[];
  /** All rows, and those by segment. */
  #cuts: readonly LiveSlices[] = [];
  readonly #firstMet: FirstMet;
  /** Rows (2·prediction + copy) that will count as labelled 0, unless they have a label; null: none ever does. */
  readonly #waiting: TimeQueue | null;
  readonly #isZeroed = [new Column('int', 0), new Column('int', 0)] as const;
  #zeroBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(spec: RolloutSpec, sinceRouteVersion: number) {
    this.#spec = spec;
    this.#metrics = metricsOf(spec);
    this.#sinceRouteVersion = sinceRouteVersion;
    this.#all = new LiveSlices(this.#metrics.length);
    this.#segments = spec.segments.map(() => new LiveSlices(this.#metrics.length));
    this.#cut();
    this.#firstMet = new FirstMet(this.#all);
    this.#waiting = spec.kind === 'bandit' && spec.rewardAfter !== undefined ? new TimeQueue() : null;
  }

  /** Predictions that it knows. */
  get size(): number {
    return this.#predictions.size;
  }

  /** @param segments values of the plan's protected features; null: it has none */
  addRow(row: ArrivedRow, segments: readonly (string | null | undefined)[] = []): void {
    if (row.routeVersion < this.#sinceRouteVersion || row.bucket === null) return;
    if (noVerdictStatuses.includes(row.status)) return;
    const key = hash53(row.predictionId);
    const at = this.#predictions.add(key);
    const copy = row.arm === 'shadow' ? 1 : 0;
    if (this.#all.stratumOf(at, copy)) return;
    const isOk = row.status === 'ok';
    if (isOk && row.score !== null && Number.isFinite(row.score)) this.#score[copy].set(at, row.score);
    if (row.arm === 'champion') {
      this.#time.set(at, row.eventTimeMs);
      this.#requests.set(at, 1 / (row.propensity ?? 1));
    }
    const { stratum, unit } = this.#all.place(at, copy, row, '');
    this.#countRow(row, stratum);
    if (copy === 0) this.#firstMet.meet(row.entity, stratum, unit);
    this.#placeInSegments(at, copy, row, segments);
    if (row.eventTimeMs < this.#zeroBeforeMs) this.#isZeroed[copy].set(at, 1);
    else this.#waiting?.add(2 * at + copy, row.eventTimeMs);
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

  /** Has rows without a label that are older count as labelled 0 from now on; see `ObserveQuery.zeroBeforeMs`. */
  zeroBefore(timeMs: number): void {
    if (!this.#waiting || timeMs <= this.#zeroBeforeMs) return;
    this.#zeroBeforeMs = timeMs;
    for (;;) {
      const item = this.#waiting.takeBefore(timeMs);
      if (item === undefined) return;
      const [at, copy] = [Math.floor(item / 2), item % 2 === 0 ? 0 : 1] as const;
      this.#change(at, () => this.#isZeroed[copy].set(at, 1));
    }
  }

  /** What is known now. What is not counted here is as a reading of the log had it. */
  observation(reading: Observation): Observation {
    const all = this.#all.slices.get('')?.sorted ?? [];
    const strata = all.map((stratum): ArmStratum => {
      const { arm, version, routeVersion, requests, failed, nonFinite, slow, labelled, newUnits } = stratum;
      return {
        ...{ arm, version, routeVersion, requests, failed, nonFinite, slow, labelled, newUnits },
        propensity: stratum.propensity,
        metrics: stratum.named(this.#metrics),
      };
    });
    return {
      strata: strata.filter((s) => s.arm !== 'shadow'),
      shadows: strata.filter((s) => s.arm === 'shadow'),
      pairs: this.#all.slices.get('')?.pairedMoments(this.#metrics) ?? [],
      segments: this.#spec.segments.flatMap((feature, i) => {
        const slices = this.#segments[i];
        return slices
          ? this.#observed(feature, slices)
          : reading.segments.filter((s) => s.feature === feature);
      }),
      latency: latencyGroups(all.filter((s) => s.arm !== 'shadow')).flatMap(
        ({ stratum, n, alpha }): LatencyBand[] => {
          const { arm, version, routeVersion } = stratum;
          return n === 0 ? [] : [{ arm, version, routeVersion, n, ...stratum.latency(n, alpha) }];
        },
      ),
      shadow: reading.shadow,
    };
  }

  #observed(feature: string, { slices }: LiveSlices): readonly SegmentObservation[] {
    const requests = new Map([...slices].map(([value, slice]) => [value, slice.requests]));
    return judgedValues(requests).flatMap((value) => {
      const slice = slices.get(value);
      if (!slice) return [];
      const strata = slice.sorted
        .filter((s) => s.arm !== 'shadow')
        .map((s) => {
          const { arm, version, routeVersion } = s;
          return { arm, version, routeVersion, metrics: s.named(this.#metrics) };
        });
      return [{ feature, value, strata, pairs: slice.pairedMoments(this.#metrics) }];
    });
  }

  #countRow(row: ArrivedRow, stratum: LiveStratum): void {
    const isOk = row.status === 'ok';
    stratum.requests++;
    stratum.propensity += ((row.propensity ?? 0) - stratum.propensity) / stratum.requests;
    if (!isOk) stratum.failed++;
    else if (row.arm !== 'shadow') stratum.answeredIn(row.latencyUs);
    if (row.status === 'output_not_finite' || (isOk && row.score !== null && !Number.isFinite(row.score)))
      stratum.nonFinite++;
    const { maxLatencyP99Ms: slowMs } = this.#spec;
    if (isOk && slowMs !== undefined && row.latencyUs > Math.round(slowMs * 1000)) stratum.slow++;
  }

  #placeInSegments(
    at: number,
    copy: Copy,
    row: ArrivedRow,
    values: readonly (string | null | undefined)[],
  ): void {
    const isTooLarge = this.size * this.#segments.length > mostSegmented;
    for (const [i, slices] of this.#segments.entries()) {
      const value = values[i] ?? null;
      if (!slices || (value === null && !isTooLarge)) continue;
      if (value !== null) slices.place(at, copy, row, value);
      if (!isTooLarge && slices.slices.size <= mostValues) continue;
      this.#segments[i] = null;
      this.#cut();
    }
  }

  #cut(): void {
    this.#cuts = [this.#all, ...this.#segments.filter((slices) => slices !== null)];
  }

  #setLabel(at: number, { value, eventTimeMs }: ArrivedLabel): void {
    if (eventTimeMs < this.#labelTime.get(at)) return;
    this.#labelTime.set(at, eventTimeMs);
    const label = value ?? Number.NaN;
    if (Object.is(label, this.#label.get(at))) return;
    this.#change(at, () => this.#label.set(at, label));
  }

  /** Changes what is known of a prediction's outcome: what was counted by it is taken out, and counted anew. */
  #change(at: number, change: () => void): void {
    for (const copy of copies) this.#count(at, copy, -1);
    this.#countPair(at, -1);
    change();
    for (const copy of copies) this.#count(at, copy, 1);
    this.#countPair(at, 1);
  }

  #labelOf(at: number, copy: Copy): number {
    const label = this.#label.get(at);
    return Number.isNaN(label) && this.#isZeroed[copy].get(at) === 1 ? 0 : label;
  }

  #valuesOf(at: number, copy: Copy): readonly number[] {
    const [score, label] = [this.#score[copy].get(at), this.#labelOf(at, copy)];
    return this.#metrics.map((metric) => metricOf(metric, this.#spec, score, label));
  }

  #count(at: number, copy: Copy, sign: 1 | -1): void {
    if (Number.isNaN(this.#labelOf(at, copy))) return;
    const values = this.#valuesOf(at, copy);
    for (const cut of this.#cuts) cut.count(at, copy, values, sign);
  }

  /** Makes a pair of what the champion answered and its copy, once both are there. */
  #pairUp(at: number, unit: string): void {
    const version = this.#all.stratumOf(at, 1)?.version;
    if (version === undefined || this.#all.stratumOf(at, 0)?.arm !== 'champion') return;
    const met = { atMs: this.#time.get(at), requests: this.#requests.get(at) };
    const beganMs = Math.min(met.atMs, this.#pairBegan.get(version) ?? Number.POSITIVE_INFINITY);
    if (beganMs !== this.#pairBegan.get(version)) {
      this.#pairBegan.set(version, beganMs);
      for (const cut of this.#cuts) cut.beginPairs(version, beganMs);
    }
    for (const cut of this.#cuts) cut.pairUp(at, unit, met, beganMs);
    this.#countPair(at, 1);
  }

  #countPair(at: number, sign: 1 | -1): void {
    const [own, copy] = [this.#valuesOf(at, 0), this.#valuesOf(at, 1)];
    const differences = copy.map((value, i) => value - (own[i] ?? Number.NaN));
    if (differences.every((difference) => Number.isNaN(difference))) return;
    for (const cut of this.#cuts) cut.countPair(at, differences, sign);
  }
}
