import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { localFrames } from '../../src/platform/segments/testing.ts';
import { startServer } from '../support/server.ts';

const models = fileURLToPath(new URL('../../examples/models', import.meta.url));
const data = Array.from({ length: 16 }, (_, i) => i);
const inputs = ['INPUT0', 'INPUT1'].map((name) => ({ name, shape: [1, 16], datatype: 'INT32', data }));

test('serve without control is killed under load: every answered row is in its Parquet files, once', async (t) => {
  const server = await startServer(t, { role: 'serve', env: { MILLRACE_REPOSITORY: models } });
  const answered: string[] = [];
  const asked: string[] = [];
  const caller = async (name: number) => {
    for (let call = 0; ; call++) {
      const id = `${name}-${call}`;
      asked.push(id);
      try {
        const url = `${server.serveUrl}/v2/models/simple/infer`;
        const response = await fetch(url, { method: 'POST', body: JSON.stringify({ id, inputs }) });
        await response.arrayBuffer();
        if (response.status === 200) answered.push(id);
      } catch {
        return;
      }
    }
  };
  const callers = Promise.all([0, 1, 2, 3].map(caller));
  while (answered.length < 100) await sleep(5);
  await server.kill();
  await callers;
  await server.start();
  while ((await readdir(join(server.dataDirectory, 'serve/log/simple'))).length > 0) await sleep(20);

  const files = join(server.dataDirectory, 'serve/predictions/simple/*.parquet');
  const frames = await localFrames();
  const rows = await frames.query(`SELECT prediction_id FROM read_parquet('${files}')`);
  const ids = rows.map((row) => String((row as { prediction_id: unknown }).prediction_id));
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(
    answered.filter((id) => !ids.includes(id)),
    [],
  );
  assert.ok(ids.every((id) => asked.includes(id)));
});
