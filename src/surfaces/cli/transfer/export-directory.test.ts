import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { digestOf } from '../../../core/json.ts';
import { Frames } from '../../../platform/frames/index.ts';
import { openExport } from './export-directory.ts';
import { artifactFile } from './export-tables.ts';
import { ExportWriter } from './export-writer.ts';

test('an export gives its own artifacts alone, and only as they were exported', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-export-'));
  const frames = new Frames({ temporaryDirectory: folder, memoryLimit: '512MB', threads: 1 });
  t.after(async () => {
    await frames.close();
    await rm(folder, { recursive: true, force: true });
  });
  const root = join(folder, 'export');
  await writeFile(join(folder, 'secret'), 'of this machine');
  const bytes = Buffer.from('weights');
  const digest = digestOf(bytes);
  const outside = 'sha256:../secret';
  assert.equal(join(root, artifactFile(outside)), join(folder, 'secret'));
  const writer = new ExportWriter(root);
  await writer.addFile({ path: 'model.bin', digest, sizeBytes: bytes.length }, async () =>
    Readable.from([bytes]),
  );
  const row = { kind: 'run', owner_id: 'r1', size_bytes: bytes.length };
  await writer.add('artifacts', [
    { ...row, path: 'model.bin', digest },
    { ...row, path: 'outside', digest: outside },
  ]);
  await writer.finish(frames, { id: 'e1' });

  const source = await openExport(root, frames);
  const files = await source.files({
    kind: 'run',
    id: 'r1',
    artifactUri: 'mlflow-artifacts:/1/r1/artifacts',
  });
  const read = async (path: string) => String(await buffer((await files?.open(path)) ?? assert.fail()));
  assert.equal(await read('model.bin'), 'weights');
  await assert.rejects(read('outside'), { code: 'export_invalid', message: /secret" is no digest/ });
  await appendFile(join(root, artifactFile(digest)), '!');
  await assert.rejects(read('model.bin'), {
    code: 'export_invalid',
    message: /its digest is not sha256:.*model\.bin/,
  });
});
