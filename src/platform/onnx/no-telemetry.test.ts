import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

// Tells which files a process has open once a model has answered in it: reports are kept in one until they are sent.
const program = `
  import { readdirSync, readlinkSync } from 'node:fs';
  const at = (path) => import(new URL(path, '${import.meta.url}'));
  const [{ importOnnx, OnnxModel }, { logisticOnnx, logisticPackage }] = await Promise.all([at('./index.ts'), at('./testing.ts')]);
  const model = await OnnxModel.load(importOnnx(logisticOnnx()).bytes, logisticPackage());
  await model.predictRows([[1, 2]]);
  const targetOf = (fd) => {
    try {
      return readlinkSync('/proc/self/fd/' + fd);
    } catch {
      return '';
    }
  };
  const targets = readdirSync('/proc/self/fd').map(targetOf);
  console.log(JSON.stringify(targets.filter((target) => /onnxruntime\\.db|mat-debug/.test(target))));
  process.exit();`;

test('the runtime keeps no reports of what it does', { skip: process.platform !== 'linux' }, async () => {
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program];
  const { ORT_DISABLE_TELEMETRY: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  assert.deepEqual(JSON.parse(stdout), []);
});
