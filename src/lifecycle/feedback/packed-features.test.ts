import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { packedList, sqlLiteral } from '../../platform/frames/index.ts';
import { writeWindow } from './replay/write-window.ts';
import { ada, openFeedbackService } from './testing.ts';

const start = Date.UTC(2001, 1, 1);
const endpoint = 'flights';
const pixels = Array.from({ length: 96 }, (_, i) => i / 4);

forEachDatabase((name, open) => {
  test(`packed lists of numbers are JSON for everyone who reads the log (${name})`, async (t) => {
    const { service, send, frames, blobs, directory } = await openFeedbackService(t, open);
    const packed = packedList(Float32Array.from(pixels), [2, 48]);
    const nested = [pixels.slice(0, 48), pixels.slice(48)];
    const { id } = await send([
      { id: 'a', eventTimeMs: start, features: { image: packed, note: 'packed:not', n: 5 } },
    ]);
    await service.postLabels(ada, {
      endpoint,
      labels: [{ predictionId: 'a', value: 1, eventTime: start + 10 }],
    });
    await service.flush(endpoint);
    await service.upkeep.indexNow();
    const wanted = { image: JSON.stringify(nested), note: 'packed:not', n: 5 };
    const read = (columns: string, path: string) =>
      frames.query(`SELECT ${columns} FROM read_parquet(${sqlLiteral(path)})`);

    assert.deepEqual((await service.prediction(ada, 'a')).features, wanted);

    const exported = join(directory, 'export.parquet');
    await service.exportTo(ada, { endpoint }, exported);
    const own = ['image', 'note', 'n'].map((feature) => `"feature:${feature}" AS ${feature}`).join(', ');
    assert.deepEqual(await read(own, exported), [wanted]);

    const features = ['image', 'note', 'n'];
    const range = { endpoint, fromMs: start, toMs: start + 1000 };
    const joined = await service.labelJoin(ada, { ...range, features, label: 'y', time: 'at' }, directory);
    assert.deepEqual(await read(features.join(', '), await blobs.path(joined.digest)), [wanted]);

    const window = join(directory, 'window.parquet');
    await writeWindow(frames, [join(directory, `${id}.parquet`)], [], range, window);
    assert.deepEqual(await read(features.join(', '), window), [wanted]);
  });
});
