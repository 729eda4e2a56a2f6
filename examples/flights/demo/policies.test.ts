import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../../src/core/rng.ts';
import type { Flight } from './flights.ts';
import { Ledger } from './ledger.ts';
import { judge, meanByDay } from './policies.ts';
import { monthChart, monthTable } from './table.ts';

test('days that differ widen the interval of a mean, days that do not leave it as narrow as the rows make it', () => {
  const rng = createRng(7);
  const days = Uint16Array.from({ length: 5000 }, (_, i) => Math.floor(i / 100));
  const apart = Float64Array.from(days, (day) => (day % 2) + 0.01 * rng.normal());
  const alike = Float64Array.from(days, () => rng.normal());
  const width = (values: Float64Array) => {
    const { low, high } = meanByDay(values, days);
    return (high ?? 0) - (low ?? 0);
  };
  // Fifty days of mean 0 or 1: 2 * 1.96 * 0.5 / sqrt(50) = 0.277; five thousand rows of sd 1: 0.055.
  assert.ok(Math.abs(width(apart) - 0.277) < 0.04);
  assert.ok(Math.abs(width(alike) - 0.055) < 0.015);
});

test('policies are judged by month on the same flights', () => {
  const flights: Flight[] = Array.from({ length: 1500 }, (_, row) => ({
    id: `F${row}`,
    row,
    departureMs: Date.UTC(2001, 1, 1) + Math.floor(row / 10) * 86_400_000,
    hour: 8,
    weekday: 1,
    origin: 'ATL',
    destination: 'BOS',
    distance: 946,
    late: row % 5 === 0 ? 1 : 0,
    arrivalMs: 0,
  }));
  const ledger = new Ledger(flights.length);
  ledger.expect(flights);
  for (const f of flights) ledger.record(f, { score: 0.2, modelVersion: 1 + (f.row % 2), arm: '' });
  assert.equal(ledger.answersOf(2), 750);
  assert.equal(ledger.spotChecks(10).length, 10);
  const never = new Float64Array(flights.length).fill(0.3);
  const policy = judge('run by the loop', 3, ledger.scores, never, ledger);
  const expected = -(0.2 * Math.log(0.2) + 0.8 * Math.log(0.8));
  assert.ok(Math.abs((policy.all.logLoss.value ?? 0) - expected) < 1e-12);
  assert.equal(policy.months.length, 5);
  assert.equal(policy.all.auc.value, 0.5);
  assert.ok((policy.againstNever.all.value ?? 0) < 0);
  assert.match(monthTable([policy]), /run by the loop +\.5004 \[/);
  assert.match(monthChart([policy]), /June +run by the loop +─*●/);
});
