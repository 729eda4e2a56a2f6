import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { unpackedSql } from '../../../platform/frames/index.ts';
import { openDuckdb } from '../../../platform/frames/open-duckdb.ts';
import { oneNodeOnnx, type TestRepository, testRepository } from './testing.ts';

/** The same in single and in double precision. */
const values = Array.from({ length: 96 }, (_, i) => (i + 1) / 8);
const negated = values.map((v) => -v);
const limits = { maxRows: 1, maxSizeBytes: 1e6, maxAgeMs: 60_000 };

/** Predicts with one row of 96 numbers. */
async function predict(
  { serving }: TestRepository,
  id: string,
  data: ArrayLike<number>,
  shape: readonly number[],
) {
  const reply = await serving.plane.predict({
    endpoint: 'm',
    version: null,
    rowCount: 1,
    tensors: [{ name: 'x', width: data.length, data, shape }],
    extras: 'refuse',
    predictionIds: [id],
    entities: null,
    eventTimesMs: null,
    receivedAtMs: Date.now(),
    startedMs: performance.now(),
  });
  const [output] = reply.outputs;
  const text: unknown = JSON.parse(`[${output?.texts()[0]}]`);
  return { values: Array.from(output?.values() ?? []), text };
}

/** The rows that the endpoint's log has as Parquet, once all of them are there. */
async function logged({ directory }: TestRepository): Promise<readonly unknown[]> {
  const root = join(directory, '../serve');
  while ((await readdir(join(root, 'log/m'))).length > 0) await sleep(5);
  const connection = await (await openDuckdb({})).connect();
  const files = join(root, 'predictions/m/*.parquet');
  const read = await connection.runAndReadAll(
    `SELECT ${unpackedSql('"feature:x"')} AS x, ${unpackedSql('outputs')} AS outputs FROM read_parquet('${files}') ORDER BY prediction_id`,
  );
  return read.getRowObjectsJson().map((row) => {
    const [x, outputs] = [String(row.x), String(row.outputs)].map((text): unknown => JSON.parse(text));
    return { x, outputs };
  });
}

for (const [precision, type] of Object.entries({ single: 1, double: 11 })) {
  test(`large tensors of ${precision} precision are logged as numbers, typed or listed`, async (t) => {
    const files = { 'm/1/model.onnx': oneNodeOnnx('Neg', ['N', 6, 16], type) };
    const repository = await testRepository(t, files, { segmentLimits: limits });
    const given = [values, Float32Array.from(values), Float64Array.from(values)];
    for (const [i, data] of given.entries())
      assert.deepEqual(await predict(repository, String(i), data, [6, 16]), {
        values: negated,
        text: negated,
      });
    assert.deepEqual(
      await logged(repository),
      given.map(() => ({ x: values, outputs: { y: negated } })),
    );
  });
}

test('rows of large tensors with free dimensions keep them, and share no run with other dimensions', async (t) => {
  const files = { 'm/1/model.onnx': oneNodeOnnx('Neg', ['N', 'H', 'W']) };
  const repository = await testRepository(t, files, { segmentLimits: limits });
  const typed = Float32Array.from(values);
  const answers = await Promise.all([
    predict(repository, '0', typed, [6, 16]),
    predict(repository, '1', typed, [8, 12]),
    predict(repository, '2', values, [6, 16]),
  ]);
  for (const answer of answers) assert.deepEqual(answer.values, negated);
  const nested = (columns: number) =>
    Array.from({ length: values.length / columns }, (_, i) => values.slice(i * columns, (i + 1) * columns));
  assert.deepEqual(
    await logged(repository),
    [16, 12, 16].map((columns) => ({ x: nested(columns), outputs: { y: negated } })),
  );
});
