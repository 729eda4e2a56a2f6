import { noVerdictStatuses } from '../../../core/no-verdict.ts';
import { type ArrivedLabel, type ArrivedRow, isRefused } from '../../../lifecycle/feedback/index.ts';
import type { RolloutMetric, RolloutSpec } from '../../contract.ts';
import { isPaired } from '../../verdict/judged.ts';
import { latencyGroups } from '../../verdict/latency-bands.ts';
import {
  type ArmStratum,
  judgedValues,
  type LatencyBand,
  type Observation,
  type SegmentObservation,
} from '../../verdict/observation.ts';
import { metricsOf } from '../../verdict/observe.ts';
import { segmentText } from '../../verdict/segment-text.ts';
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
const copies = [0, 1] as const;

type LabelTime = Pick<ArrivedLabel, 'eventTimeMs' | 'seq'>;

/** Whether of two labels of a prediction the other one counts: by the rule of the log, see `labelOrderSql`. */
function isOverruled(one: LabelTime, other: LabelTime): boolean {
  return (
    one.eventTimeMs < other.eventTimeMs || (one.eventTimeMs === other.eventTimeMs && one.seq < other.seq)
  );
}

/**
 * What arms did since a rollout began, kept up to date row by row and label by label: the same counts, moments and
 * latencies as `observe` reads from the log, over all and in each protected segment, at a cost that does not grow with the
 * rollout. What copies say of distributions and of each arm by itself is not here. Of a prediction that was logged twice
 * the first row counts. A feature of more than 1,000 values is left to the readings of the log.
 */
export class LiveObservation {
  readonly #spec: RolloutSpec;
  readonly #metrics: readonly RolloutMetric[];
  readonly #sinceRouteVersion: number;
  /** Metrics that arms are compared by on their own requests, with their places. */
  readonly #byArms: readonly (readonly [RolloutMetric, number])[];
  readonly #predictions = new HashIndex();
  readonly #entities = new HashIndex();
  /** Of a prediction: what the caller got, and its copy; NaN: no score. */
  readonly #score = [new Column('float', Number.NaN), new Column('float', Number.NaN)] as const;
  readonly #label = new Column('float', Number.NaN);
  readonly #labelTime = new Column('float', Number.NEGATIVE_INFINITY);
  readonly #labelSeq = new Column('float', -1);
  /** When the champion was asked, and its entity's number (-1: nobody's): what a pair is made with. */
  readonly #time = new Column('float', 0);
  readonly #who = new Column('int', -1);
  readonly #pairBegan = new Map<string, number>();
  /** Labels whose row is not here yet, the oldest first. */
  readonly #early = new Map<number, ArrivedLabel>();
  readonly #all: LiveSlices;
  /** By protected feature, in the order of the plan; null: left to the log. */
  readonly #segments: (LiveSlices | null)[];
  /** All rows, and those by segment. */
  #cuts: readonly LiveSlices[] = [];
  readonly #firstMet: FirstMet;
  /** By entity in a stratum: 1, it was met; 2, with a failure. */
  readonly #seenUnits = new Column('byte', 0);
  /** Rows (2·prediction + copy) that will count as labelled 0, unless they have a label; null: none ever does. */
  readonly #waiting: TimeQueue | null;
  readonly #isZeroed = [new Column('byte', 0), new Column('byte', 0)] as const;
  #zeroBeforeMs = Number.NEGATIVE_INFINITY;

  constructor(spec: RolloutSpec, sinceRouteVersion: number) {
    this.#spec = spec;
    this.#metrics = metricsOf(spec);
    this.#sinceRouteVersion = sinceRouteVersion;
    this.#byArms = this.#metrics.flatMap((metric, at) =>
      isPaired(spec, metric) ? [] : [[metric, at] as const],
    );
    const slices = () => new LiveSlices(this.#metrics.length, this.#byArms.length > 0);
    this.#all = slices();
    this.#segments = spec.segments.map(slices);
    this.#cut();
    this.#firstMet = new FirstMet(this.#all);
    this.#waiting = spec.kind === 'bandit' && spec.rewardAfter !== undefined ? new TimeQueue() : null;
  }

  /** Predictions that it knows. */
  get size(): number {
    return this.#predictions.size;
  }

  /** Memory that it takes: that of all that grows with predictions and entities. */
  get bytes(): number {
    const labels = [this.#label, this.#labelTime, this.#labelSeq];
    const columns = [...this.#score, ...labels, this.#time, this.#who, ...this.#isZeroed];
    const all = [
      ...columns,
      this.#predictions,
      this.#entities,
      ...this.#cuts,
      this.#firstMet,
      this.#seenUnits,
    ];
    return all.reduce((sum, { bytes }) => sum + bytes, this.#waiting?.bytes ?? 0);
  }

  /** @param segments values of the plan's protected features; null: it has none */
  addRow(row: ArrivedRow, segments: readonly (string | null | undefined)[] = []): void {
    if (row.routeVersion < this.#sinceRouteVersion || row.bucket === null) return;
    if (noVerdictStatuses.includes(row.status)) return;
    const key = hash53(row.predictionId);
    const at = this.#predictions.add(key);
    const copy = row.arm === 'shadow' ? 1 : 0;
    if (this.#all.stratumOf(at, copy)) return;
    const [isOk, replica] = [row.status === 'ok', row.replica ?? ''];
    if (isOk && row.score !== null && Number.isFinite(row.score)) this.#score[copy].set(at, row.score);
    const who = row.entity === null ? -1 : this.#entities.add(hash53(row.entity));
    if (row.arm === 'champion') {
      this.#time.set(at, row.eventTimeMs);
      this.#who.set(at, who);
    }
    const { stratum, unit } = this.#all.place(at, copy, row, '', who);
    this.#countRow(row, stratum);
    this.#countUnit(unit, stratum, !isOk);
    if (copy === 0) this.#firstMet.answered(replica, row.receivedAtMs, row.latencyUs);
    if (copy === 0 && row.propensity !== null && row.propensity < 1)
      this.#firstMet.meet({ who, stratum, unit, receivedAtMs: row.receivedAtMs, replica });
    this.#placeInSegments(at, copy, row, segments, who);
    if (row.eventTimeMs < this.#zeroBeforeMs) this.#isZeroed[copy].set(at, 1);
    else this.#waiting?.add(2 * at + copy, row.eventTimeMs);
    this.#count(at, copy, 1);
    this.#pairUp(at);
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
    if (before && !isOverruled(before, label)) return;
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
    this.#firstMet.settle();
    const all = this.#all.slices.get('')?.sorted ?? [];
    const strata = all.map((stratum): ArmStratum => {
      const { arm, version, routeVersion, requests, failed, refused, nonFinite, slow, labelled } = stratum;
      const { units, failedUnits, newUnits } = stratum;
      const read = reading.strata.find(
        (s) => s.arm === arm && s.version === version && s.routeVersion === routeVersion,
      );
      return {
        arm,
        version,
        routeVersion,
        requests,
        failed,
        refused,
        nonFinite,
        slow,
        labelled,
        units,
        failedUnits,
        newUnits,
        // A minute's silence is soon enough told by readings of the log.
        overdueUnits: read?.overdueUnits ?? 0,
        propensity: stratum.propensity,
        metrics: arm === 'shadow' ? {} : stratum.named(this.#metrics),
      };
    });
    const whole = this.#all.slices.get('');
    return {
      strata: strata.filter((s) => s.arm !== 'shadow'),
      repeats: whole ? this.#all.repeats(whole, this.#byArms, this.#entities.size) : [],
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

  #observed(feature: string, cut: LiveSlices): readonly SegmentObservation[] {
    const { slices } = cut;
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
      const repeats = cut.repeats(slice, this.#byArms, this.#entities.size);
      return [{ feature, value, strata, repeats, pairs: slice.pairedMoments(this.#metrics) }];
    });
  }

  #countRow(row: ArrivedRow, stratum: LiveStratum): void {
    const isOk = row.status === 'ok';
    stratum.requests++;
    stratum.propensity += ((row.propensity ?? 0) - stratum.propensity) / stratum.requests;
    if (!isOk) stratum.failed++;
    else if (row.arm !== 'shadow') stratum.answeredIn(row.latencyUs);
    if (isRefused(row.status)) stratum.refused++;
    if (row.status === 'output_not_finite' || (isOk && row.score !== null && !Number.isFinite(row.score)))
      stratum.nonFinite++;
    const { maxLatencyP99Ms: slowMs } = this.#spec;
    if (isOk && slowMs !== undefined && row.latencyUs > Math.round(slowMs * 1000)) stratum.slow++;
  }

  /** Counts an entity once in its stratum, and once among those with a failed request. */
  #countUnit(unit: number, stratum: LiveStratum, failed: boolean): void {
    const before = unit < 0 ? 0 : this.#seenUnits.get(unit);
    if (before < 1) stratum.units++;
    if (failed && before < 2) stratum.failedUnits++;
    if (unit >= 0) this.#seenUnits.set(unit, failed ? 2 : Math.max(1, before));
  }

  #placeInSegments(
    at: number,
    copy: Copy,
    row: ArrivedRow,
    values: readonly (string | null | undefined)[],
    who: number,
  ): void {
    for (const [i, slices] of this.#segments.entries()) {
      const value = values[i] ?? null;
      if (!slices || value === null) continue;
      slices.place(at, copy, row, segmentText(value), who);
      if (slices.slices.size <= mostValues) continue;
      this.#segments[i] = null;
      this.#cut();
    }
  }

  #cut(): void {
    this.#cuts = [this.#all, ...this.#segments.filter((slices) => slices !== null)];
  }

  #setLabel(at: number, { value, eventTimeMs, seq }: ArrivedLabel): void {
    const known = { eventTimeMs: this.#labelTime.get(at), seq: this.#labelSeq.get(at) };
    if (!isOverruled(known, { eventTimeMs, seq })) return;
    this.#labelTime.set(at, eventTimeMs);
    this.#labelSeq.set(at, seq);
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
  #pairUp(at: number): void {
    const version = this.#all.stratumOf(at, 1)?.version;
    const champion = this.#all.stratumOf(at, 0);
    if (version === undefined || champion?.arm !== 'champion') return;
    const who = this.#who.get(at);
    const unit = who < 0 ? 2 * at + 1 : 2 * who + 2;
    const met = { atMs: this.#time.get(at), requests: 1 / (champion.propensity || 1) };
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
