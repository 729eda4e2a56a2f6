import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { parseColumns } from './columns.ts';
import { csvField, csvLine } from './csv.ts';

test('fields are quoted where they must be, and nothing becomes a formula', () => {
  assert.deepEqual(
    ['a', 'a,b', 'say "x"', 'two\nlines', '=1+1', '-0.5', '-x', '-2+1', '+1e-3', 'a;=1'].map(csvField),
    ['a', '"a,b"', '"say ""x"""', '"two\nlines"', "'=1+1", '-0.5', "'-x", "'-2+1", '+1e-3', '"a;=1"'],
  );
});

test('a line holds the shown columns, unrounded', () => {
  const run = {
    id: 'r1',
    name: 'calm, heron',
    durationMs: null,
    params: { lr: '0.1' },
    tags: {},
    metrics: { auc: { last: 0.123456789, best: null } },
  } as unknown as Run;
  assert.equal(
    csvLine(run, parseColumns('last(auc),best(auc),last(none),params.lr,tags.x,took')),
    'r1,"calm, heron",0.123456789,NaN,,0.1,,',
  );
});
