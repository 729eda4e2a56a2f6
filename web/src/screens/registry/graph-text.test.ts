import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GraphStep } from '../../../../src/core/package-runtime.ts';
import { branchesOf, branchingText, renamed } from './graph-text.ts';

const model = (name: string): GraphStep => ({ kind: 'model', name, package: `sha256:${'0'.repeat(64)}` });
const weighted = (...weights: number[]) => weights.map((weight, i) => ({ weight, step: model(`m${i}`) }));

test('each branch says which rows take it, or how much it counts', () => {
  const labels = (step: Parameters<typeof branchesOf>[0]) => branchesOf(step).map(({ label }) => label);
  const cases = [{ equals: ['AT', 'DE'], step: model('dach') }];
  const choosing = { kind: 'switch', name: 'w', field: 'country', cases } as const;
  assert.deepEqual(labels({ ...choosing, otherwise: model('rest') }), ['AT, DE', 'all others']);
  assert.deepEqual(branchesOf({ ...choosing, otherwise: null }).at(-1), {
    label: 'all others are refused',
    step: null,
  });
  assert.deepEqual(labels({ kind: 'splitter', name: 's', by: null, branches: weighted(3, 1) }), [
    '75\u202f% of rows',
    '25\u202f% of rows',
  ]);
  const mean = { kind: 'ensemble', name: 'e', combine: 'average', members: weighted(1, 1, 1) } as const;
  assert.equal(labels(mean)[0], '33.3\u202f% of the weight');
  assert.match(branchingText(mean), /weighted mean/);
  assert.match(branchingText({ ...mean, combine: 'vote' }), /most weight/);
});

test('only what has another name is told', () => {
  assert.equal(renamed({ a: 'a2', b: 'b' }, 'in'), 'a2 → a');
  assert.equal(renamed({ y: 'a2' }, 'out'), 'y → a2');
  assert.equal(renamed(undefined, 'in'), '');
});
