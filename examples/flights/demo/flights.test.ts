import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { dayMs, Flights, flightsFile, januaryMs, replayFromMs, replayToMs } from './flights.ts';
import { LabelQueue, lateShare, neverShare, reportsOf, twiceShare } from './labels.ts';

async function open(t: { after(fn: () => Promise<void>): void }, sample: number): Promise<Flights> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-flights-'));
  const flights = await Flights.open(flightsFile, directory, sample);
  t.after(async () => {
    flights.close();
    await rm(directory, { recursive: true });
  });
  return flights;
}

test('flights come in order of schedule, with features known before departure', async (t) => {
  const flights = await open(t, 500);
  const all = await flights.between(replayFromMs, replayToMs);
  assert.equal(all.length, await flights.count(replayFromMs, replayToMs));
  assert.ok(all.length > 4900);
  for (const [i, flight] of all.entries()) {
    assert.ok(flight.departureMs >= (all[i - 1]?.departureMs ?? 0));
    assert.equal(flight.hour, new Date(flight.departureMs).getUTCHours());
    assert.equal(flight.weekday, new Date(flight.departureMs).getUTCDay() || 7);
    assert.ok(flight.arrivalMs > flight.departureMs);
  }
  const lateRatio = all.filter((f) => f.late === 1).length / all.length;
  assert.ok(lateRatio > 0.15 && lateRatio < 0.25);
});

test('the hour of the schedule does not give the outcome away as the hour of the departure does', async (t) => {
  const flights = await open(t, 20);
  const all = await flights.between(januaryMs, replayToMs);
  const night = all.filter((f) => f.hour >= 1 && f.hour <= 3);
  // Of those that really left from one to four in the morning it is more than a third.
  assert.ok(night.filter((f) => f.late === 1).length / night.length < 0.25);
});

test('outcomes come hours later, some late, some twice, some never, the same in every run', async (t) => {
  const flights = await open(t, 100);
  const all = await flights.between(replayFromMs, replayToMs);
  const reports = all.map(reportsOf);
  const share = (n: number) => reports.filter((r) => r.length === n).length / all.length;
  assert.ok(Math.abs(share(0) - neverShare) < 0.005);
  assert.ok(Math.abs(share(2) - twiceShare) < 0.005);
  const first = reports.flatMap((r) => r.slice(0, 1));
  assert.ok(first.every(({ flight, dueMs }) => dueMs >= flight.arrivalMs + 2 * 3_600_000));
  const slow = first.filter(({ flight, dueMs }) => dueMs > flight.arrivalMs + 2 * dayMs).length;
  assert.ok(Math.abs(slow / all.length - lateShare) < 0.01);
  assert.deepEqual(all.map(reportsOf), reports);
});

test('the queue hands over what is due, in order', async (t) => {
  const flights = await open(t, 1000);
  const queue = new LabelQueue();
  const all = await flights.between(replayFromMs, replayFromMs + 3 * dayMs);
  const reports = all.flatMap(reportsOf);
  for (const report of reports) queue.add(report);
  const early = queue.takeUntil(replayFromMs + dayMs);
  assert.ok(early.length > 0 && early.every((label) => label.dueMs < replayFromMs + dayMs));
  const rest = queue.takeUntil(Number.POSITIVE_INFINITY);
  assert.equal(early.length + rest.length, reports.length);
  assert.deepEqual(
    rest.map((label) => label.dueMs),
    rest.map((label) => label.dueMs).sort((a, b) => a - b),
  );
  assert.equal(queue.size, 0);
});
