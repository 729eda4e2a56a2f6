import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Alert } from '../../../../src/lifecycle/monitoring/contract.ts';
import type { Loop, TurnState } from '../../../../src/loop/contract.ts';
import { concernsNow, wheelOfLoop, wheelOfTurn } from './loop-wheel.ts';
import { STAGES, type WheelStates } from './wheel.ts';

const word = (states: WheelStates): string => STAGES.map((stage) => states[stage][0]).join('');
const loop = (more: object = {}): Loop =>
  ({
    name: 'tide',
    endpoint: 'tide',
    state: 'active',
    championVersion: 3,
    activeTurn: null,
    lastTurn: null,
    waitsFor: '',
    ...more,
  }) as Loop;
const alert = (modelVersion: string, severity: Alert['severity']): Alert =>
  ({ endpoint: 'tide', modelVersion, severity, state: 'open', reason: 'moved' }) as Alert;

test('a turn fills the wheel blade by blade and shows where it ended', () => {
  const at = (state: TurnState): string => word(wheelOfTurn({ state }).states);
  assert.equal(at('training'), 'rnnnn');
  assert.equal(at('gating'), 'grnnn');
  assert.equal(at('canary'), 'gggrn');
  assert.equal(at('promoted'), 'ggggg');
  assert.equal(at('rejected'), 'gbnnn');
  assert.equal(at('rolled-back'), 'gggbn');
  assert.equal(word(wheelOfTurn({ state: 'failed' }, 'evaluating').states), 'gbnnn');
});

test('alerts of a version without traffic are history', () => {
  assert.equal(concernsNow(alert('3', 'bad'), loop()), true);
  assert.equal(concernsNow(alert('2', 'bad'), loop()), false);
  assert.equal(concernsNow(alert('', 'bad'), loop()), true);
  assert.equal(word(wheelOfLoop(loop(), [alert('2', 'bad')], true).states), 'ggggn');
  assert.equal(word(wheelOfLoop(loop(), [alert('3', 'watch')], true).states), 'gggwn');
});

test('a failed turn taught nothing, and a question is said once', () => {
  const failed = loop({ lastTurn: { number: 2, state: 'failed', reason: 'no script' } });
  assert.equal(word(wheelOfLoop(failed, [], true).states), 'bgggw');
  const asking = loop({ activeTurn: { state: 'awaiting-approval', reason: 'All gates passed.' } });
  assert.equal(wheelOfLoop(asking, [], true).notes.evaluate, 'waits for an approval: All gates passed.');
});

test('a loop that has nothing yet is a quiet wheel', () => {
  assert.equal(word(wheelOfLoop(loop({ championVersion: null }), [], false).states), 'nnnnn');
});
