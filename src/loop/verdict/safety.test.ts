import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RolloutSpec, rolloutSpecSchema } from '../contract.ts';
import { judge } from './judge.ts';
import { type ArmStratum, nothingObserved } from './observation.ts';
import { safety } from './safety.ts';

const spec = rolloutSpecSchema.parse({ kind: 'canary', version: 2 });
const [champion, challenger] = [
  { arm: 'champion', version: '1' },
  { arm: 'challenger', version: '2' },
];

function stratum(arm: string, requests: number): ArmStratum {
  return {
    arm,
    version: arm === 'champion' ? '1' : '2',
    routeVersion: 3,
    propensity: 0.5,
    requests,
    failed: 0,
    nonFinite: 0,
    slow: 0,
    labelled: 0,
    units: requests,
    refused: 0,
    failedUnits: 0,
    newUnits: 0,
    overdueUnits: 0,
    metrics: {},
  };
}

/** Why a shadow of which no copy has come goes on, so many requests and milliseconds after its begin. */
function shadowWaits(spec: RolloutSpec, requests: number, eventMs: number): string {
  return judge({
    spec,
    stage: 'shadow',
    champion,
    arms: [challenger],
    seen: { ...nothingObserved, strata: [stratum('champion', requests)] },
    percent: 0,
    nextPercent: 1,
    routeVersion: 3,
    isProved: false,
    nowMs: 0,
    eventMs,
    stepSinceMs: 0,
    beganMs: 0,
  }).reason;
}

test('a shadow of which no copy comes says so', () => {
  assert.match(shadowWaits(spec, 10, 0), /^waits for 200 more copies$/);
  assert.match(
    shadowWaits(spec, 1500, 0),
    /^waits for 200 more copies, where none of 1,500 requests was copied: /,
  );
});

test('a step whose time is over but for a moment waits for a later prediction', () => {
  const daily = rolloutSpecSchema.parse({ kind: 'canary', version: 2, shadow: { minTime: '1d' } });
  const dayMs = 86_400_000;
  assert.match(shadowWaits(daily, 10, dayMs - 3_600_000), /, 1 h of event time$/);
  assert.match(shadowWaits(daily, 10, dayMs - 1), /, a later prediction$/);
  assert.match(shadowWaits(daily, 10, dayMs), /copies$/);
});

test('requests that were answered and copies are told apart', () => {
  const texts = (own: number, copies: number) =>
    safety(spec, champion, [challenger], {
      ...nothingObserved,
      strata: own === 0 ? [] : [stratum('challenger', own)],
      shadows: copies === 0 ? [] : [stratum('shadow', copies)],
    })
      .slice(0, 2)
      .map(({ reason }) => reason);
  assert.match(texts(0, 600)[0] ?? '', /^0 of 600 copies failed /);
  assert.match(texts(1, 599)[0] ?? '', /^0 of 1 request and 0 of 599 copies failed /);
  assert.equal(texts(20, 1)[1], '0 of 20 requests and 0 of 1 copy had scores that are NaN or infinite');
});

test('refusals are compared with the champion; alone only a version that refuses most fails by them', () => {
  const own = { ...stratum('challenger', 1000), failed: 60, refused: 50, failedUnits: 60 };
  const errors = (strata: readonly ArmStratum[]) =>
    safety(spec, champion, [challenger], { ...nothingObserved, strata })[0];
  const alone = errors([own]);
  assert.equal(alone?.verdict, 'pass');
  assert.match(
    alone?.reason ?? '',
    /^10 of 1,000 requests failed .*; 50 more were refused for what callers sent/,
  );
  assert.equal(errors([{ ...own, failed: 150 }])?.verdict, 'fail');
  assert.equal(errors([{ ...own, failed: 700, refused: 700 }])?.verdict, 'fail');
  const narrow = [
    { ...own, failed: 250, refused: 240, failedUnits: 250 },
    { ...stratum('champion', 1000), failed: 10, failedUnits: 10 },
  ];
  assert.equal(errors(narrow)?.verdict, 'fail');
  const beside = errors([own, { ...stratum('champion', 1000), failed: 58, refused: 50, failedUnits: 58 }]);
  assert.equal(beside?.verdict, 'pass');
  assert.match(beside?.reason ?? '', /allowed, and the champion fails as often$/);
});

test('an arm that fails at 100 % is ended whatever earlier steps said, and what the champion fails too ends none', () => {
  const errors = (strata: readonly ArmStratum[]) =>
    safety(spec, champion, [challenger], { ...nothingObserved, strata })[0];
  const failing = (arm: string, requests: number, failed: number, refused = 0) => ({
    ...stratum(arm, requests),
    failed: failed + refused,
    refused,
    failedUnits: failed + refused,
  });
  const last = (requests: number, failed: number, refused = 0) => ({
    ...failing('challenger', requests, failed, refused),
    routeVersion: 4,
    propensity: 1,
  });
  const clean = [failing('champion', 1000, 0), failing('challenger', 1000, 0)];
  const died = errors([...clean, last(5000, 5000)]);
  assert.equal(died?.verdict, 'fail');
  assert.match(
    died?.reason ?? '',
    /^5,000 of 5,000 requests failed \(100.00 %, at least 99.\d+ %\); 1.00 % is allowed$/,
  );
  assert.equal(errors([...clean, last(1000, 300)])?.verdict, 'fail');
  assert.equal(errors([...clean, last(5000, 0, 5000)])?.verdict, 'fail');
  assert.equal(errors([...clean, last(5000, 0, 600)])?.verdict, 'pass');
  // One request that a tester sent to the champion is nothing to compare with.
  const stray = { ...failing('champion', 1, 0), routeVersion: 4, propensity: 0 };
  assert.equal(errors([...clean, stray, last(5000, 5000)])?.verdict, 'fail');
  // Both fail as often before; alone it goes on as it did.
  const alike = [failing('champion', 10_000, 300), failing('challenger', 10_000, 310)];
  assert.equal(errors([...alike, last(50_000, 1500)])?.verdict, 'pass');
  assert.equal(errors([...alike, last(50_000, 3000)])?.verdict, 'fail');
  // What callers got wrong uses nothing of the allowance up, however much is asked.
  const much = [failing('champion', 300_000, 0, 18_000), failing('challenger', 300_000, 1500, 18_000)];
  const within = errors(much);
  assert.equal(within?.verdict, 'pass');
  assert.match(within?.reason ?? '', /allowed, beside 6.00 % of the champion$/);
});
