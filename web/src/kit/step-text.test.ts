import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stepSays, stepWord } from './step-text.ts';

const said = (outputs: Readonly<Record<string, unknown>>): string =>
  stepSays({ error: null, outputs, attempts: 1 });

test('outputs of a step are said with their units', () => {
  assert.equal(said({ sizeBytes: 1_198_925, rows: 147_190, waiting: 0 }), '1.2\u202fMB, 147\u202f190 rows');
  assert.equal(said({ revised: 1, alertsOpened: 2 }), '1 window revised, 2 alerts opened');
  assert.equal(said({ durationMs: 13_375, routeVersion: 29 }), 'route version 29');
  assert.equal(said({ note: 'text is no count' }), '');
});

test('a step that was begun again says so, one that failed says why', () => {
  assert.equal(stepSays({ error: null, outputs: { rows: 2 }, attempts: 2 }), '2 attempts, 2 rows');
  const error = { code: 'step_failed', message: 'train.py ended with 1', next: 'Look at the log.' };
  assert.equal(stepSays({ error, outputs: null, attempts: 1 }), 'train.py ended with 1');
});

test('a kind that is not known yet reads as words', () => {
  assert.equal(stepWord('refit-on-all'), 'refit on all');
});
