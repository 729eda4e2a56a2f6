import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rolloutSpecSchema, type ShadowComparison } from '../contract.ts';
import { nothingObserved } from './observation.ts';
import { shadowRails } from './shadow-rails.ts';

const spec = rolloutSpecSchema.parse({
  kind: 'canary',
  version: 2,
  segments: ['airport'],
  shadow: { maxScoreShift: 0.2, maxDisagreement: 0.1, maxLatencyRatio: 3 },
});

const alike: ShadowComparison = {
  segment: null,
  pairs: 5000,
  meanDistance: 0.01,
  agreement: 0.99,
  scoreShift: 0.05,
  scoreNoise: 0.02,
  latencyP99Ms: 5,
  championLatencyP99Ms: 4,
  latencyNoiseRatio: 1.1,
  latencyLowMs: 4,
  championLatencyHighMs: 5,
};

/** Verdicts on scores, decisions and latency, and the first failure. */
function judged(...shadow: readonly ShadowComparison[]) {
  const rails = shadowRails(spec, { ...nothingObserved, shadow }, 'shadow');
  return [rails.map((rail) => rail.verdict).join(' '), rails.find((r) => r.verdict === 'fail')?.reason ?? ''];
}

test('copies that are alike pass; without copies it waits, and only in shadow', () => {
  assert.equal(judged(alike)[0], 'pass pass pass');
  assert.equal(judged()[0], 'waiting waiting waiting');
  assert.deepEqual(shadowRails(spec, nothingObserved, 'canary'), []);
  const none = rolloutSpecSchema.parse({ kind: 'canary', version: 2, shadow: null });
  assert.deepEqual(shadowRails(none, { ...nothingObserved, shadow: [alike] }, 'canary'), []);
});

test('scores, decisions and latency fail beyond the limit, not within what chance may do', () => {
  assert.equal(judged({ ...alike, scoreShift: 0.6 })[0], 'fail pass pass');
  assert.equal(judged({ ...alike, scoreShift: 0.6, pairs: 100 })[0], 'pass pass pass');
  const [verdicts, reason] = judged({ ...alike, agreement: 0.8 });
  assert.equal(verdicts, 'pass fail pass');
  assert.match(reason ?? '', /^1,000 of 5,000 differ \(at least 1\d\.\d %\); 10\.0 % may$/);
  assert.equal(judged({ ...alike, agreement: 0.88, pairs: 100 })[0], 'pass pass pass');
  assert.equal(judged({ ...alike, latencyP99Ms: 40, latencyLowMs: 30 })[0], 'pass pass fail');
  assert.equal(judged({ ...alike, latencyP99Ms: 40, latencyLowMs: null })[0], 'pass pass pass');
});

test('200 copies are enough to see that everything is other than it was', () => {
  const wide = rolloutSpecSchema.parse({ kind: 'canary', version: 2 });
  const apart = { ...alike, pairs: 200, scoreShift: 1, scoreNoise: 0.15, agreement: 0 };
  const rails = shadowRails(wide, { ...nothingObserved, shadow: [apart] }, 'shadow');
  assert.deepEqual(
    rails.map((rail) => rail.verdict),
    ['fail', 'fail', 'pass'],
  );
});

test('what the champion differs by from itself is allowed on top', () => {
  assert.equal(judged({ ...alike, scoreShift: 0.6, scoreNoise: 0.5 })[0], 'pass pass pass');
  assert.equal(judged({ ...alike, latencyLowMs: 30, latencyNoiseRatio: 2.5 })[0], 'pass pass pass');
});

test('one protected segment is enough', () => {
  const segment = { feature: 'airport', value: 'ZRH' };
  const [verdicts, reason] = judged(alike, { ...alike, segment, agreement: 0.7 });
  assert.equal(verdicts, 'pass fail pass');
  assert.match(reason ?? '', /^where airport is ZRH: 1,500 of 5,000 differ/);
});
