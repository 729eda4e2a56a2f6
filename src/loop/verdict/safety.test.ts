import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rolloutSpecSchema } from '../contract.ts';
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
    failedUnits: 0,
    newUnits: 0,
    overdueUnits: 0,
    metrics: {},
  };
}

test('a shadow of which no copy comes says so', () => {
  const waits = (requests: number) =>
    judge({
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
      eventMs: 0,
      stepSinceMs: 0,
      beganMs: 0,
    }).reason;
  assert.match(waits(10), /^waits for 200 more copies$/);
  assert.match(waits(1500), /^waits for 200 more copies, where none of 1,500 requests was copied: /);
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
