import { Pool } from './pool.ts';

/** What is bounded: how many at the same time, or how many a second. */
export interface LimitSpec {
  /** The same for all processes that share it; another bound needs another name. */
  readonly name: string;
  readonly kind: 'concurrent' | 'rate';
  /** Above 0. */
  readonly limit: number;
}

/** What there is of a limit, for one process or for its part of several. */
export interface Limit {
  /**
   * Takes one unit: 0, or the milliseconds after which there may be one. A promise only where other processes have to
   * be asked first.
   */
  take(): number | Promise<number>;
  /** What was taken is over: counts for limits of what goes on at the same time. */
  leave(): void;
}

/** Makes limits by their specification. */
export type LimitSource = (spec: LimitSpec) => Limit;

/** Limits of a process that shares them with nobody. */
export const localLimits: LimitSource = (spec) => {
  const pool = new Pool(spec, performance.now());
  return {
    take(): number {
      const nowMs = performance.now();
      if (pool.available(nowMs) < 1) return pool.waitMs(nowMs);
      pool.take(1);
      if (spec.kind === 'rate') pool.spend(1);
      return 0;
    },
    leave(): void {
      if (spec.kind === 'concurrent') pool.giveBack(1);
    },
  };
};
