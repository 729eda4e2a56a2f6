import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldRoutine } from './fold.ts';

test('of routine entries that follow each other the newest is shown; others keep their places', () => {
  const folded = foldRoutine(['w5', 'w4', 'paused', 'w3', 'w2', 'w1', 'begun'], (entry) => entry[0] === 'w');
  assert.deepEqual(
    folded.map(({ shown, again }) => [shown, ...again].join(' ')),
    ['w5 w4', 'paused', 'w3 w2 w1', 'begun'],
  );
});
