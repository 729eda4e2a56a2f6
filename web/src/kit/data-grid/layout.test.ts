import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cardHeightPx, columnsInSight, layoutColumns, rowsInSight, showsCards } from './layout.ts';

test('columns that may grow share what is left of the width, and none shrinks', () => {
  const columns = [{ widthPx: 200, grows: true }, { widthPx: 100 }, { widthPx: 100, grows: true }];
  assert.deepEqual(layoutColumns(columns, 1, 500).widths, [250, 100, 150]);
  assert.deepEqual(layoutColumns(columns, 1, 100).widths, [200, 100, 100]);
  assert.equal(layoutColumns(columns, 1, 500).frozenPx, 250);
});

test('of 12,000 columns only those in sight are drawn, whatever the scroll', () => {
  const layout = layoutColumns(
    Array.from({ length: 12_000 }, () => ({ widthPx: 100 })),
    1,
    1000,
  );
  assert.deepEqual(columnsInSight(layout, 1, 0, 1000), { start: 1, end: 11 });
  assert.deepEqual(columnsInSight(layout, 1, 500_000, 1000), { start: 5000, end: 5011 });
  assert.deepEqual(columnsInSight(layout, 1, layout.totalPx - 1000, 1000), { start: 11_990, end: 12_000 });
});

test('of 100,000 rows some dozens are drawn, and small scrolls draw the same ones', () => {
  assert.deepEqual(rowsInSight(100_000, 32, 0, 640), { start: 0, end: 34 });
  assert.deepEqual(rowsInSight(100_000, 32, 3_199_360, 640), { start: 99_970, end: 100_000 });
  assert.deepEqual(rowsInSight(100_000, 32, 3200, 640), rowsInSight(100_000, 32, 3260, 640));
  assert.deepEqual(rowsInSight(0, 32, 0, 640), { start: 0, end: 0 });
});

test('a card has a line for each text and for each pair of numbers', () => {
  const number = { align: 'right' } as const;
  assert.equal(
    cardHeightPx([{}, {}, number, number, number, number]),
    cardHeightPx([{}, {}, number, number, number]),
  );
  assert.equal(cardHeightPx([{}, {}, {}]) - cardHeightPx([{}, {}]), 22);
  assert.equal(showsCards(390, 900), true);
  assert.equal(showsCards(390, 300), false);
  assert.equal(showsCards(900, 2000), false);
});
