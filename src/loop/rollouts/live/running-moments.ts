import type { Moments } from '../../../core/statistics/moments.ts';

/** Moments of values that come and go. Source: Welford (1962), and its reverse. */
export class RunningMoments implements Moments {
  n = 0;
  mean = 0;
  m2 = 0;

  add(value: number): void {
    this.n++;
    const delta = value - this.mean;
    this.mean += delta / this.n;
    this.m2 += delta * (value - this.mean);
  }

  /** Takes out a value that was added. */
  remove(value: number): void {
    this.n--;
    if (this.n === 0) {
      this.mean = 0;
      this.m2 = 0;
      return;
    }
    const delta = value - this.mean;
    this.mean -= delta / this.n;
    this.m2 = Math.max(0, this.m2 - delta * (value - this.mean));
  }

  get now(): Moments {
    return { n: this.n, mean: this.mean, m2: this.m2 };
  }
}

/** Moments of the means of groups whose members come and go: who asks often counts once. */
export class GroupedMoments {
  readonly moments = new RunningMoments();

  /** Moves a group's mean. The sums are those of before and after; `n` 0: the group has no member. */
  move(sumBefore: number, nBefore: number, sumAfter: number, nAfter: number): void {
    if (nBefore > 0) this.moments.remove(sumBefore / nBefore);
    if (nAfter > 0) this.moments.add(sumAfter / nAfter);
  }
}
