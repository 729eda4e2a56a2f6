import assert from 'node:assert/strict';
import { test } from 'node:test';
import { humane, reasonOf, sentence } from './turn-text.ts';

test('machine times in sentences become dates people read', () => {
  assert.equal(
    humane('cool-down until 2001-07-10T00:00:00.000Z: drift'),
    'cool-down until 2001-07-10: drift',
  );
  assert.equal(humane('6,629 from 2001-04-08T21:12:00.000Z on'), '6\u202f629 from 2001-04-08 21:12 on');
});

test('names, signs and p-values of files become those of people', () => {
  assert.equal(
    humane('logLoss changes by -0.032 (-0.038 to -0.027)'),
    'log loss changes by −0.032 (−0.038 to −0.027)',
  );
  assert.equal(humane('auc ≥ 0.53 on 2001-04-08'), 'AUC ≥ 0.53 on 2001-04-08');
  assert.equal(humane('score drifted, p 2.3e-7'), 'score drifted, p\u00a0<\u00a00.0001');
  assert.equal(humane('on 3796 labels in 2001'), 'on 3\u202f796 labels in 2001');
  assert.equal(
    humane('stable, p 0.0246; split (p 1.000)'),
    'stable, p\u00a0=\u00a00.025; split (p\u00a0=\u00a01)',
  );
});

test('sentences begin large, versions keep their v', () => {
  assert.equal(sentence('the rows do not decide'), 'The rows do not decide');
  assert.equal(sentence('v5 beats v3'), 'v5 beats v3');
  assert.equal(sentence('b is better', ['champion', 'b']), 'b is better');
  assert.equal(sentence('better than b', ['b']), 'Better than b');
  assert.equal(sentence(''), '');
});

test('a reason does not repeat what stands before it', () => {
  assert.equal(
    reasonOf({ reason: 'version 7 rolled back: the challenger is worse' }),
    'The challenger is worse',
  );
  assert.equal(reasonOf({ reason: 'version 1 is champion: first model' }), 'First model');
  assert.equal(reasonOf({ reason: 'beside version 6' }), 'Beside v6');
});

test('an interval of a difference is said in words: proved, or what else is possible', () => {
  assert.equal(
    humane('log loss better by 0.0020 (−0.0073 to 0.0113) on 5,052 pairs'),
    'log loss better by 0.0020 so far, not proved (from 0.0073 worse to 0.0113 better) on 5\u202f052 pairs',
  );
  assert.equal(
    humane('log loss worse by 0.8926 (0.6271 to 1.1580) on 361 pairs'),
    'log loss worse by 0.8926, proved (between 0.6271 and 1.1580) on 361 pairs',
  );
  assert.equal(humane('run 0868a80626c58141b10300b6fba4c375 logged'), 'run 0868a806 logged');
});
