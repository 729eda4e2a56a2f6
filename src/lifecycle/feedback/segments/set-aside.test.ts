import assert from 'node:assert/strict';
import { truncate, writeFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import type { Digest } from '../../../core/json.ts';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import { feedbackSettingsSchema } from '../contract.ts';
import type { AsideSegment } from '../store.ts';
import { ada, openFeedbackService } from '../testing.ts';

const start = Date.UTC(2001, 1, 1);
const endpoint = 'flights';

forEachDatabase((name, open) => {
  describe(`segments that cannot be read on ${name}`, { concurrency: 2 }, () => {
    /** Five segments of one day: of the second the file is gone, of the third it has other bytes. */
    async function fill(t: Parameters<Parameters<typeof test>[0] & object>[0]) {
      const told: string[][] = [];
      const onSetAside = async (segments: readonly AsideSegment[]) => {
        told.push(segments.map(({ id }) => id));
      };
      const opened = await openFeedbackService(t, open, undefined, { onSetAside });
      const { send, blobs, service } = opened;
      const segments: { readonly id: string; readonly digest: Digest }[] = [];
      for (let i = 0; i < 5; i++)
        segments.push(
          await send([
            { id: `a${i}`, entity: 'ada', eventTimeMs: start + i },
            { id: `b${i}`, entity: 'bob', eventTimeMs: start + i },
          ]),
        );
      const ids = async () =>
        (await service.predictions(ada, { endpoint }, 20, undefined)).map((p) => p.predictionId).sort();
      const bytesOf = async (i: number) => blobs.bytes(segments[i]?.digest as Digest);
      const kept = await bytesOf(1);
      await blobs.delete(segments[1]?.digest as Digest);
      await truncate(await blobs.path(segments[2]?.digest as Digest), 100);
      return { ...opened, segments, told, ids, kept };
    }

    test('the others are compacted, searched, erased from and kept as long as is said; it is told once', async (t) => {
      const { service, segments, told, ids } = await fill(t);
      const aside = [segments[1]?.id, segments[2]?.id];
      assert.deepEqual(await service.compact(ada, undefined, true), { compacted: 3, removed: 0 });
      assert.deepEqual(told.at(-1), aside);
      assert.deepEqual(await ids(), ['a0', 'a3', 'a4', 'b0', 'b3', 'b4']);
      assert.equal((await service.summary(ada, endpoint)).total.predictions, 6);
      const erased = await service.erase(ada, { entity: 'ada', endpoint: null, reason: 'asked for it' });
      assert.deepEqual([erased.predictions, erased.unreadableSegments], [3, 2]);
      assert.deepEqual(await ids(), ['b0', 'b3', 'b4']);
      await service.labels.putSettings(ada, endpoint, feedbackSettingsSchema.parse({ keepDays: 1 }));
      assert.equal((await service.compact(ada)).removed, 3);
      await service.compact(ada);
      assert.deepEqual(told.at(-1), []);
    });

    test('what comes back from a backup is read again, without those who were erased meanwhile', async (t) => {
      const { service, blobs, told, ids, kept } = await fill(t);
      await service.compact(ada, undefined, true);
      await service.erase(ada, { entity: 'ada', endpoint: null, reason: 'asked for it' });
      await blobs.put(kept);
      await service.compact(ada);
      assert.equal(told.at(-1)?.length, 1);
      assert.deepEqual(await ids(), ['b0', 'b1', 'b3', 'b4']);
    });

    test('labels that come back from a backup lose those of predictions that were erased meanwhile', async (t) => {
      const { service, send, blobs } = await openFeedbackService(t, open);
      await send([
        { id: 'a', entity: 'ada', eventTimeMs: start },
        { id: 'b', entity: 'bob', eventTimeMs: start },
      ]);
      const label = async (value: number, eventTime: number) => {
        const labels = ['a', 'b'].map((predictionId) => ({ predictionId, value, eventTime }));
        await service.postLabels(ada, { endpoint, labels });
        await service.flush(endpoint);
      };
      await label(1, start + 5);
      const [segment] = await service.labelSegments(ada, endpoint);
      await label(0, start + 6);
      const kept = await blobs.bytes(segment?.digest as Digest);
      await blobs.delete(segment?.digest as Digest);
      const erased = await service.erase(ada, { entity: 'ada', endpoint: null, reason: 'asked for it' });
      assert.deepEqual([erased.predictions, erased.labels, erased.unreadableSegments], [1, 1, 1]);
      await blobs.put(kept);
      await service.compact(ada);
      assert.equal((await service.prediction(ada, 'b', endpoint)).labels.length, 2);
      const { total } = await service.summary(ada, endpoint);
      assert.deepEqual([total.labelsReceived, total.orphans], [2, 0]);
      // Labels that are sent afterwards for an id of before are somebody's new word.
      await label(1, start + 7);
      await service.upkeep.indexNow();
      assert.equal((await service.summary(ada, endpoint)).total.orphans, 1);
    });

    test('a file that a reader fails on is looked after, whatever else there is to do', async (t) => {
      const { service, ids, blobs } = await fill(t);
      await service.compact(ada, undefined, true);
      const [daily] = await service.predictionSegments(ada, { endpoint });
      await writeFile(await blobs.path(daily?.digest as Digest), 'PAR1');
      await assert.rejects(ids(), { code: 'frames_failed' });
      await service.upkeep.indexNow();
      assert.deepEqual(await ids(), []);
    });
  });
});
