import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prepareWheel, STAGES, type WheelStates, worstState } from './wheel.ts';

const states = (state: WheelStates['learn']): WheelStates =>
  Object.fromEntries(STAGES.map((stage) => [stage, state])) as WheelStates;

test('five blades in loop order, each state another shape', () => {
  const good = prepareWheel(states('good'), 40);
  assert.deepEqual(
    good.map((blade) => blade.stage),
    [...STAGES],
  );
  const shapes = (['good', 'watch', 'bad', 'none', 'running'] as const).map(
    (state) => prepareWheel(states(state), 40)[0]?.path,
  );
  assert.equal(new Set(shapes).size, 5);
  assert.ok(good.every((blade) => !blade.path.includes('NaN') && blade.rest === ''));
  assert.notEqual(prepareWheel(states('running'), 40)[2]?.rest, '');
});

test('the worst state wins; nothing is none', () => {
  assert.equal(worstState(['good', 'running', 'watch']), 'watch');
  assert.equal(worstState(['good', 'bad', 'watch']), 'bad');
  assert.equal(worstState([]), 'none');
});
