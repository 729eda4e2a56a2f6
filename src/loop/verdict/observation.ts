import type { Moments } from '../../core/statistics/moments.ts';
import type { RolloutMetric, ShadowComparison } from '../contract.ts';

/** Most values of a protected feature that are judged. */
export const segmentValues = 10;

/** Moments by metric; a metric that nobody asked for is left out. */
export type MetricMoments = Partial<Readonly<Record<RolloutMetric, Moments>>>;

/** What the outcomes of one arm were under one route version: while its share was constant. */
export interface ArmMoments {
  readonly arm: string;
  readonly version: string;
  readonly routeVersion: number;
  /** Over the means of each entity, so that one that asks often counts once. */
  readonly metrics: MetricMoments;
}

/** What one arm did under one route version. */
export interface ArmStratum extends ArmMoments {
  /** Share of the traffic that it was drawn with. */
  readonly propensity: number;
  readonly requests: number;
  readonly failed: number;
  /** Those of `failed` that were refused for what their callers sent. */
  readonly refused: number;
  readonly nonFinite: number;
  readonly slow: number;
  readonly labelled: number;
  /** Entities, or requests without one, and those of them with a failed request. */
  readonly units: number;
  readonly failedUnits: number;
  /**
   * Entities (or requests without one) that were met for the first time under a split here: independent draws of it. Who
   * was met before anything was split counts where it was drawn first. Only what is settled (`settledAfterMs`) counts.
   */
  readonly newUnits: number;
  /** Those of `newUnits` for so long that an arm of which nothing is in the log does not just take longer (`overdueAfter`). */
  readonly overdueUnits: number;
}

/** Shadow minus champion on the same requests, by metric: over whole days once they were seen (`pairedMoments`). */
export interface PairedMoments {
  readonly version: string;
  readonly metrics: MetricMoments;
  /**
   * Variance of means over stretches of time beside what independent pairs would give; at least 1. Pairs of one hour
   * share its weather, so their mean is less certain than their number says.
   */
  readonly inflation: Partial<Readonly<Record<RolloutMetric, number>>>;
}

/** By how much an arm's difference to the champion is less certain because entities came back; see `observeRepeats`. */
export interface ArmRepeats {
  readonly arm: string;
  readonly version: string;
  readonly inflation: Partial<Readonly<Record<RolloutMetric, number>>>;
}

/** What was seen of the requests with one value of a protected feature. */
export interface SegmentObservation {
  readonly feature: string;
  readonly value: string;
  readonly strata: readonly ArmMoments[];
  readonly repeats: readonly ArmRepeats[];
  readonly pairs: readonly PairedMoments[];
}

/** The 99th percentile of an arm's latency under one route version, milliseconds; null: not bounded yet. */
export interface LatencyBand {
  readonly arm: string;
  readonly version: string;
  readonly routeVersion: number;
  readonly n: number;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/** Everything that a rollout's verdict rests on, since it began. */
export interface Observation {
  readonly strata: readonly ArmStratum[];
  /** Copies: what the shadow did. */
  readonly shadows: readonly ArmStratum[];
  /** Of arms that share several route versions with the champion; none for what only pairs are judged by. */
  readonly repeats: readonly ArmRepeats[];
  readonly pairs: readonly PairedMoments[];
  readonly segments: readonly SegmentObservation[];
  readonly latency: readonly LatencyBand[];
  readonly shadow: readonly ShadowComparison[];
}

/** The values of a protected feature that are judged: the most frequent ones of all arms and copies together. */
export function judgedValues(requests: ReadonlyMap<string, number>): readonly string[] {
  return [...requests]
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, segmentValues)
    .map(([value]) => value);
}

/** Before the first request. */
export const nothingObserved: Observation = {
  strata: [],
  shadows: [],
  repeats: [],
  pairs: [],
  segments: [],
  latency: [],
  shadow: [],
};
