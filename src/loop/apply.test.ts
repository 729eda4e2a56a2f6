import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '../core/errors.ts';
import { forEachDatabase } from '../platform/db/testing.ts';
import { anna, FakeWorld, loopTestMigrations, loopText, openLoop } from './testing.ts';

forEachDatabase((name, open) => {
  test(`${name}: what a file says of its data is checked against the data, with lines`, async (t) => {
    const { loops } = await openLoop(t, await open(t, loopTestMigrations), new FakeWorld());
    const refused = async (text: string): Promise<string> => {
      const error = await loops.apply(anna, { text }).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof MillraceError);
      assert.equal(error.code, 'loop_file_invalid');
      return error.message;
    };
    assert.equal(
      await refused(loopText.replace('column: late', 'column: lat')),
      'loop.yaml:6: data.label.column: column "lat" is not in dataset flights version 1; did you mean "late"?',
    );
    assert.equal(
      await refused(loopText.replace('evaluate:', 'evaluate:\n  segments: [weekday]')),
      'loop.yaml:9: evaluate.segments[0]: column "weekday" is not in dataset flights version 1; its columns are date, flight_id, distance, late',
    );
    assert.equal(
      await refused(loopText.replace('time: date', 'time: distance')),
      'loop.yaml:4: data.time: dataset flights version 1 was registered with time column "date"; register it again with "distance"',
    );
    assert.equal(
      await refused(loopText.replace('dataset:flights', 'dataset:fligths')),
      'loop.yaml:3: data.source: dataset fligths is not registered; see GET /api/v1/datasets',
    );
    assert.match(
      await refused(loopText.replace('dataset:flights', 'flights.csv')),
      /^loop\.yaml:3: data\.source: flights\.csv is a file/,
    );
    await assert.rejects(loops.get(anna, 'flights'), { code: 'not_found' });
  });

  test(`${name}: code that was not uploaded is named, and an endpoint belongs to one loop`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    const digest = `sha256:${'a'.repeat(64)}` as const;
    await assert.rejects(loop.loops.apply(anna, { text: loopText, files: [{ path: 'train.py', digest }] }), {
      code: 'loop_blob_missing',
      message: `file train.py (${digest}) was not uploaded`,
    });
    world.answering = 'delay';
    await assert.rejects(
      loop.apply(),
      /deploy\.endpoint: endpoint flights answers with the model delay; choose/,
    );
    world.answering = null;
    await loop.apply();
    world.answering = 'flights';
    await loop.apply();
    const other = loopText
      .replace('loop: flights', 'loop: other')
      .replace('deploy:', 'deploy:\n  endpoint: flights');
    await assert.rejects(loop.loops.apply(anna, { text: other }), /endpoint flights belongs to loop flights/);
  });
});
