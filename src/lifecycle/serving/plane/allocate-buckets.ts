import { bucketCount } from '../contract.ts';
import { bucketsOf } from './bucket.ts';

/**
 * Who has which bucket: for each bucket the number of an arm, 0 being the champion, who has what nobody else has.
 * Shares are exact to one bucket. Each other arm grows upwards from an anchor of its own (0, then the middle, then
 * the quarters, …), so widening an arm takes nobody out of it, nor out of the others while it has not reached their
 * anchors. The first one has the lowest buckets.
 *
 * @param weights of the arms beside the champion, 0..1, together at most 1
 * @param places the number of each one's anchor; its own number where they are left out
 */
export function allocateBuckets(weights: readonly number[], places: readonly number[] = []): Uint8Array {
  const owners = new Uint8Array(bucketCount);
  for (const [index, weight] of weights.entries()) {
    let bucket = Math.floor(anchor(places[index] ?? index) * bucketCount);
    let wanted = bucketsOf(weight);
    for (let seen = 0; wanted > 0 && seen < bucketCount; seen++) {
      if (owners[bucket] === 0) {
        owners[bucket] = index + 1;
        wanted--;
      }
      bucket = (bucket + 1) % bucketCount;
    }
  }
  return owners;
}

/** Van der Corput's sequence in base 2, which spreads any number of points: 0, 1/2, 1/4, 3/4, 1/8, … */
function anchor(index: number): number {
  let [place, value] = [0.5, 0];
  for (let rest = index; rest > 0; rest >>= 1) {
    if (rest & 1) value += place;
    place /= 2;
  }
  return value;
}
