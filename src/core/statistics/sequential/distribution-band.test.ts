import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../rng.ts';
import { distributionBand } from './distribution-band.ts';

test('it says nothing without values, and closes in', () => {
  assert.equal(distributionBand(0, 0.05), 1);
  assert.equal(distributionBand(1, 0.05), 1);
  const [few, many] = [distributionBand(200, 0.001), distributionBand(20_000, 0.001)];
  assert.ok(few > 0.15 && few < 0.25 && many < 0.03, `${few} ${many}`);
});

test('of 200 streams at most alpha leave the band anywhere, at any of their sizes', () => {
  const alpha = 0.2;
  for (const seed of [5, 6]) {
    const rng = createRng(seed);
    let left = 0;
    for (let stream = 0; stream < 200; stream++) {
      const counts = new Array<number>(50).fill(0);
      for (let n = 1; n <= 600; n++) {
        const bin = Math.floor(rng.next() * counts.length);
        counts[bin] = (counts[bin] ?? 0) + 1;
        if (n % 5 !== 0) continue;
        let below = 0;
        const apart = counts.map((count, i) => {
          below += count;
          return Math.abs(below / n - (i + 1) / counts.length);
        });
        if (Math.max(...apart) <= distributionBand(n, alpha)) continue;
        left++;
        break;
      }
    }
    assert.ok(left <= 200 * alpha, `${left} of 200`);
  }
});
