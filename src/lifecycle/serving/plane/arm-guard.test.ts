import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../../core/rng.ts';
import { proportionConfidenceSequence } from '../../../core/statistics/sequential/proportion-confidence-sequence.ts';
import { type ArmGuard, armGuardSchema, bucketCount } from '../contract.ts';
import { readOverride, signOverride } from '../override-token.ts';
import { allocateBuckets } from './allocate-buckets.ts';
import { exceeds, GuardedArm, RecentFailures } from './arm-guard.ts';

const guardOf = (values: Partial<ArmGuard>): ArmGuard => armGuardSchema.parse(values);

function answered(arm: GuardedArm, seconds = 0.001): void {
  arm.answered(arm.began(0), 1000 * seconds);
}

function failed(arm: GuardedArm, entity: string | null = null, code = 'inference_failed', endedMs = 1): void {
  arm.failed(arm.began(endedMs - 1), endedMs, code, entity);
}

const error = 'inference_failed';

test('a rate exceeds its limit exactly when its confidence sequence lies above it', () => {
  for (let n = 1; n <= 120; n += 7) {
    for (let events = 0; events <= n; events += 3) {
      const { low } = proportionConfidenceSequence(events, n, 0.01);
      assert.equal(exceeds(events, n, 0.2, 0.01), (low ?? 0) > 0.2, `${events} of ${n}`);
    }
  }
});

test('1,000 arms that fail as often as they may: at most alpha are withdrawn, and one that fails often soon', () => {
  const rng = createRng(5);
  let withdrawn = 0;
  for (let run = 0; run < 1000; run++) {
    let broken = false;
    const arm = new GuardedArm(guardOf({ maxErrorRatio: 0.05, alpha: 0.05 }), () => {
      broken = true;
    });
    for (let i = 0; i < 2000 && !broken; i++) {
      if (rng.next() < 0.05) failed(arm);
      else answered(arm);
    }
    if (broken) withdrawn++;
  }
  assert.ok(withdrawn <= 50 + 2 * Math.sqrt(1000 * 0.05 * 0.95), `${withdrawn} of 1000`);

  const told: string[] = [];
  const failing = new GuardedArm(guardOf({}), (_, reason) => told.push(reason));
  let requests = 0;
  while (!failing.broken) {
    if (rng.next() < 0.5) failed(failing);
    else answered(failing);
    requests++;
  }
  assert.ok(requests < 40, `${requests} requests at 50 % errors`);
  failed(failing);
  assert.equal(told.length, 1);
  assert.match(told[0] ?? '', /^\d+ of \d+ requests failed \(inference_failed\); 5 % may$/);
});

test('slow answers and scores that are no numbers end it; without a bound they do not', () => {
  const reasons: string[] = [];
  const slow = new GuardedArm(guardOf({ slowMs: 10 }), (_, reason) => reasons.push(reason));
  for (let i = 0; i < 100 && !slow.broken; i++) answered(slow, i % 5 === 0 ? 0.02 : 0.001);
  const numbers = new GuardedArm(guardOf({}), (_, reason) => reasons.push(reason));
  for (let i = 0; i < 9; i++) answered(numbers);
  failed(numbers, null, 'output_not_finite');
  assert.match(reasons[0] ?? '', /requests took longer than 10 ms; 1 % may$/);
  assert.equal(reasons[1], 'a score was NaN or infinite in 1 of 10 requests');
  const patient = new GuardedArm(guardOf({ allowNonFinite: true }), () => assert.fail('withdrawn'));
  for (let i = 0; i < 100; i++) answered(patient, 60);
  failed(patient, null, 'output_not_finite');
  assert.deepEqual(patient.counts, { requests: 101, failed: 1, slow: 0, nonFinite: 1 });
});

test('requests that nobody answers end an arm once they take too long, and are counted once', async () => {
  const told: string[] = [];
  const arm = new GuardedArm(guardOf({ slowMs: 20 }), (_, reason) => told.push(reason));
  const nowMs = performance.now();
  const [quick, late, over, gone, away] = [0, 1, 2, 3, 4].map(() => arm.began(nowMs));
  assert.ok(quick && late && over && gone && away);
  arm.answered(quick, nowMs + 1);
  while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual(told, ['3 of 4 requests took longer than 20 ms; 1 % may']);
  arm.answered(late, nowMs + 100);
  arm.failed(over, nowMs + 100, 'inference_failed', null);
  for (const caller of [gone, away]) arm.left(caller, nowMs + 100);
  assert.deepEqual(arm.counts, { requests: 5, failed: 1, slow: 4, nonFinite: 0 });
});

test('a model that dies after a million answers loses its traffic in a dozen requests, unless the champion fails too', () => {
  const told: string[] = [];
  const champion = new RecentFailures();
  const arm = new GuardedArm(guardOf({}), (_, reason) => told.push(reason), champion);
  for (let i = 0; i < 1_000_000; i++) answered(arm);
  // Who cannot be answered comes back, a worker that ends takes a batch along, an outage that both have is none of the arm's.
  for (let i = 0; i < 50; i++) failed(arm, 'ada', error, 100 * i);
  for (let i = 0; i < 50; i++) failed(arm, null, error, 10_000);
  for (let i = 0; i < 50; i++) {
    champion.count(true);
    failed(arm, null, error, 20_000 + 100 * i);
  }
  for (let i = 0; i < 1000; i++) {
    champion.count(false);
    answered(arm);
  }
  assert.deepEqual(told, []);
  for (let i = 0; i < 12; i++) failed(arm, `f${i}`, error, 30_000 + 60 * i);
  assert.match(told[0] ?? '', /^lately \d+ of \d+ requests failed \(inference_failed\); 5 % may$/);
});

test('a model that hangs after a million answers loses its traffic in seconds; a stall of the machine takes none', () => {
  const told: string[] = [];
  const arm = new GuardedArm(guardOf({ slowMs: 100 }), (_, reason) => told.push(reason));
  for (let i = 0; i < 1_000_000; i++) answered(arm);
  const hangs = (fromMs: number, toMs: number) => {
    for (let endedMs = fromMs; endedMs < toMs; endedMs += 100)
      arm.answered(arm.began(endedMs - 101), endedMs);
  };
  hangs(10_000, 13_000);
  for (let i = 0; i < 1000; i++) answered(arm);
  assert.deepEqual(told, []);
  hangs(20_000, 30_000);
  assert.match(
    told[0] ?? '',
    /^lately, counted once a second, (\d+) of \1 requests took longer than 100 ms; 1 % may$/,
  );
});

test('shares of any number of arms are exact to a bucket, and widening one takes nobody out of any', () => {
  const sizes = (owners: Uint8Array, arms: number) =>
    Array.from({ length: arms }, (_, arm) => owners.filter((owner) => owner === arm).length);
  const before = allocateBuckets([0.1, 0.2, 0.05]);
  assert.deepEqual(sizes(before, 4), [6500, 1000, 2000, 500]);
  const after = allocateBuckets([0.2, 0.25, 0.1]);
  assert.deepEqual(sizes(after, 4), [4500, 2000, 2500, 1000]);
  for (let bucket = 0; bucket < bucketCount; bucket++) {
    if (before[bucket] !== 0) assert.equal(after[bucket], before[bucket]);
  }
  assert.deepEqual(sizes(allocateBuckets([0.7, 0.3]), 3), [0, 7000, 3000]);
  const lowest = allocateBuckets([0.01]);
  assert.ok(lowest.subarray(0, 100).every((owner) => owner === 1));
});

test('an override token is good for its endpoint, its key and its time, and for nothing else', () => {
  const token = signOverride('key', 'e', { arm: 'b', expiresAtMs: 1000 });
  assert.equal(readOverride('key', 'e', token, 999), 'b');
  assert.equal(readOverride('key', 'e', token, 1000), null);
  assert.equal(readOverride('other', 'e', token, 0), null);
  assert.equal(readOverride('key', 'f', token, 0), null);
  assert.equal(readOverride('key', 'e', token.replace(/^b/, 'c'), 0), null);
  assert.equal(readOverride('key', 'e', token.replace('1000', '2000'), 0), null);
  assert.equal(readOverride('key', 'e', 'b', 0), null);
});

test('an arm that several processes serve is judged by what all of them counted', async () => {
  const told: string[] = [];
  const arms: GuardedArm[] = [];
  const together = async () => {
    const counts = arms.map((arm) => arm.counts);
    const sum = (of: 'requests' | 'failed') => counts.reduce((total, c) => total + c[of], 0);
    return { requests: sum('requests'), failed: sum('failed'), slow: 0, nonFinite: 0 };
  };
  const [a, b] = [0, 1].map(() => {
    const arm = new GuardedArm(guardOf({}), (_, reason) => told.push(reason), undefined, together);
    arms.push(arm);
    return arm;
  }) as [GuardedArm, GuardedArm];
  // 3 of 3 here would be too many, 3 of 1,003 by both are not.
  for (let i = 0; i < 1000; i++) answered(b);
  for (let i = 0; i < 3; i++) failed(a);
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.deepEqual([a.broken, told], [false, []]);
  // Neither has seen enough alone, and one entity's failures are no rise.
  for (let i = 0; i < 100; i++) failed([a, b][i % 2] as GuardedArm, 'ada');
  while (told.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.match(told[0] ?? '', /^\d{3} of 1\d{3} requests failed \(inference_failed\); 5 % may$/);
  assert.ok(a.broken || b.broken);
  const other = a.broken ? b : a;
  other.lose();
  assert.ok(other.broken);
});
