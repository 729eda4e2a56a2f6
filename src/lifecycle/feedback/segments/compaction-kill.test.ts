import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openDirectoryBlobs } from '../../../platform/blobs/index.ts';
import { openSqlite } from '../../../platform/db/index.ts';
import { localFrames } from '../../../platform/segments/testing.ts';
import { FeedbackStore } from '../store.ts';

const script = fileURLToPath(new URL('./fixtures/compact-until-killed.ts', import.meta.url));

test('control killed while it compacts: every registered row is in the log once', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-compact-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const registered = new Set<string>();
  let compacted = 0;
  for (let round = 0; round < 4; round++) {
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', script, directory, String(round)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk;
      // In the middle of the second compaction of the round, a little later each time.
      const lines = text.split('\n').length;
      if (text.includes('compacted') && lines > 202) setTimeout(() => child.kill('SIGKILL'), round * 40);
    });
    await once(child, 'close');
    for (const line of text.split('\n').slice(0, -1)) {
      if (line === 'compacted') compacted++;
      else registered.add(line);
    }
  }
  const db = openSqlite(join(directory, 'control.db'));
  t.after(() => db.close());
  const blobs = await openDirectoryBlobs(join(directory, 'blobs'));
  const segments = await new FeedbackStore(db).predictionSegments({ endpoint: 'flights' });
  const paths = await Promise.all(segments.map((s) => blobs.path(s.digest)));
  const frames = await localFrames();
  const rows = await frames.query(
    `SELECT prediction_id AS id FROM read_parquet([${paths.map((p) => `'${p}'`).join(', ')}], union_by_name = true)`,
  );
  const ids = rows.map((row) => String(row.id));
  assert.equal(new Set(ids).size, ids.length, 'a row is in the log twice');
  const logged = new Set(ids);
  assert.deepEqual(
    [...registered].filter((id) => !logged.has(id)),
    [],
  );
  assert.ok(compacted >= 4 && registered.size >= 800, `${compacted} compactions, ${registered.size} rows`);
});
