import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRolloutSchema } from '../../../../../src/loop/contract.ts';
import {
  asKind,
  firstDraft,
  missingIn,
  type PlanDraft,
  planKinds,
  planOf,
  planText,
  versionsOf,
} from './plan-draft.ts';

const parsed = (draft: PlanDraft) =>
  createRolloutSchema.parse(JSON.parse(JSON.stringify({ plan: planOf(draft), reason: 'why' }))).plan;

test('the first draft of every judged kind is a plan that the server takes', () => {
  const draft = firstDraft('2');
  assert.deepEqual(versionsOf(draft), ['2']);
  const canary = parsed(draft);
  assert.equal(canary.kind, 'canary');
  assert.deepEqual(canary.kind === 'canary' && [canary.version, canary.steps], [2, [1, 10, 50, 100]]);
  const split = parsed(asKind(draft, 'split'));
  assert.deepEqual(split.kind === 'split' && split.arms, [{ arm: 'b', version: 2, percent: 10 }]);
  const bandit = parsed(asKind(draft, 'bandit'));
  assert.deepEqual(bandit.kind === 'bandit' && [bandit.metric, bandit.floor], ['outcome', 0.02]);
});

test('what is written is what is sent: per cents, durations, lists, value, and what is left out', () => {
  const draft: PlanDraft = {
    ...firstDraft('3'),
    shadowRequests: '',
    steps: '5; 25 100',
    minTime: '6h',
    maxErrors: '0.1',
    alpha: '1',
    promote: 'manual',
    metric: 'value',
    truePositive: '10',
    falsePositive: '-8',
    segments: 'region, plan',
    guardrails: [{ key: 1, metric: 'accuracy', margin: '0.01' }],
  };
  const plan = parsed(draft);
  assert.ok(plan.kind === 'canary');
  assert.deepEqual([plan.shadow, plan.steps, plan.minTime], [null, [5, 25, 100], '6h']);
  assert.deepEqual([plan.maxErrorRatio, plan.alpha, plan.promote], [0.001, 0.01, 'manual']);
  assert.deepEqual(plan.value, { truePositive: 10, falsePositive: -8, trueNegative: 0, falseNegative: 0 });
  assert.deepEqual(plan.segments, ['region', 'plan']);
  assert.deepEqual(plan.guardrails, [{ metric: 'accuracy', margin: 0.01 }]);
});

test('a number that is none reaches the server as it was written', () => {
  const wrong = { ...firstDraft('2'), margin: 'much', steps: '1, lots' };
  const plan = planOf(wrong) as { margin: unknown; steps: unknown };
  assert.deepEqual([plan.margin, plan.steps], ['much', [1, 'lots']]);
});

test('every kind says in a sentence what will happen, and what is missing is told', () => {
  const draft = firstDraft('2');
  assert.match(planText(draft, '1'), /^v2 hears copies of 200 requests, then answers 1 → 10 → 50 → 100/);
  const two = { ...draft, arms: [...draft.arms, { key: 2, arm: 'c', version: '3', percent: '20' }] };
  assert.match(
    planText(asKind(two, 'split'), '1'),
    /^v2 10\u202f%, v3 20\u202f%, v1 the other 70\u202f%\. It waits/,
  );
  for (const [kind] of planKinds) assert.ok(planText(asKind(two, kind), '1').includes('v2'));
  assert.equal(missingIn(draft, ''), 'Say why');
  assert.equal(missingIn({ ...draft, steps: ' ' }, 'try'), 'A canary needs at least one step');
  assert.equal(missingIn(firstDraft(''), 'try'), 'Choose a version');
  assert.equal(missingIn(draft, 'try'), null);
});
