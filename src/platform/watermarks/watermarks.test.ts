import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { systemActor } from '../access/index.ts';
import { forEachDatabase, type OpenDatabase } from '../db/testing.ts';
import { Journal, journalMigrations } from '../journal/index.ts';
import { Watermarks, watermarksMigrations } from './index.ts';

const march = Date.UTC(2001, 2, 1);

async function setUp(t: TestContext, open: OpenDatabase) {
  const clock = { ms: march, nowMs: () => clock.ms };
  const db = await open(t, [...journalMigrations, ...watermarksMigrations]);
  const journal = new Journal(db, clock);
  const watermarks = new Watermarks(db, journal, clock);
  await db.write((tx) => watermarks.declare(tx, 'flights'));
  return { clock, db, journal, watermarks };
}

forEachDatabase((name, open) => {
  describe(`event time on ${name}`, () => {
    test('a live stream follows the clock less its allowed delay and cannot be pushed', async (t) => {
      const { clock, journal, watermarks } = await setUp(t, open);
      await watermarks.configure(systemActor, 'flights', { allowedDelayMs: 1000 });
      clock.ms += 5000;
      assert.equal(await watermarks.get('flights'), march + 4000);
      await assert.rejects(watermarks.advance(systemActor, 'flights', march), { code: 'watermark_live' });
      await watermarks.tick();
      assert.equal((await journal.eventsAfter(0, 10))[0]?.eventTimeMs, march + 4000);
    });

    test('a stream that becomes a replay while live ones are moved stays where it is', async (t) => {
      const { db, watermarks } = await setUp(t, open);
      for (let i = 0; i < 20; i++) await db.write((tx) => watermarks.declare(tx, `stream ${i}`));
      // The live streams are known, and are moved one after another; the last one becomes a replay meanwhile.
      const ticking = watermarks.tick();
      await watermarks.configure(systemActor, 'stream 19', { mode: 'replay' });
      const before = await watermarks.get('stream 19');
      await ticking;
      assert.equal(await watermarks.get('stream 19'), before);
    });

    test('a replay moves forward only, after its barriers, and tells of each move', async (t) => {
      const { journal, watermarks } = await setUp(t, open);
      const order: string[] = [];
      watermarks.addBarrier(async (stream) => {
        order.push(`seal ${stream} at ${await watermarks.get(stream)}`);
      });
      await watermarks.configure(systemActor, 'flights', { mode: 'replay' });
      assert.equal(await watermarks.get('flights'), undefined);
      await watermarks.advance(systemActor, 'flights', march);
      await watermarks.advance(systemActor, 'flights', march);
      await assert.rejects(watermarks.advance(systemActor, 'flights', march - 1), {
        code: 'watermark_backwards',
      });
      assert.equal(order[0], 'seal flights at undefined');
      const moves = (await journal.eventsAfter(0, 10)).filter((e) => e.type === 'watermark.advanced');
      assert.deepEqual(
        moves.map((e) => e.data),
        [{ watermark: '2001-03-01T00:00:00.000Z' }],
      );
      await assert.rejects(watermarks.advance(systemActor, 'nothing', march), { code: 'not_found' });
    });
  });
});
