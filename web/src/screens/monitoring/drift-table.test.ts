import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ColumnDrift, MonitorWindow } from '../../../../src/lifecycle/monitoring/contract.ts';
import { orderedDrift, stateOfDrift, whatMoved } from './drift-table.ts';

const column = (name: string, effect: number | null, more: Partial<ColumnDrift> = {}): ColumnDrift =>
  ({
    column: name,
    effect,
    effectThreshold: 0.05,
    verdict: effect === null ? 'insufficient' : effect > 0.05 ? 'drifted' : 'stable',
    missing: { referenceRatio: 0, currentRatio: 0, pValue: null, verdict: 'stable' },
    newCategories: { rows: 0, ratio: 0, examples: [] },
    comparison: {
      edges: null,
      categories: ['ORD', 'DEN', 'ATL'],
      reference: [9, 41, 50],
      current: [14, 39, 47],
    },
    ...more,
  }) as ColumnDrift;

test('what drifted comes first, what cannot be tested last', () => {
  const window = {
    drift: [column('a', null), column('b', 0.01), column('c', 0.2), column('d', 0.06)],
  } as unknown as MonitorWindow;
  assert.deepEqual(
    orderedDrift(window).map((drift) => drift.column),
    ['c', 'd', 'b', 'a'],
  );
});

test('the state is a matter of how far over the threshold', () => {
  assert.deepEqual(
    [column('a', 0.2), column('b', 0.06), column('c', 0.01), column('d', null)].map(stateOfDrift),
    ['bad', 'watch', 'good', 'none'],
  );
});

test('what moved is said in shares', () => {
  assert.equal(whatMoved(column('origin', 0.2)).replaceAll('\u202f', ' '), 'share of “ORD”: 9.0 % → 14 %');
});
