import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type CsvRow, readCsv } from '../../core/csv.ts';
import { codeFiles } from './code-files.ts';

async function folderOf(t: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-code-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  return folder;
}

test('code is the script, what it imports from its folder, and what that imports', async (t) => {
  const folder = await folderOf(t, {
    'loop.yaml': '',
    'study.py': '',
    'train.py':
      'import os, features.time as ft\nfrom shared import (\n  a,  # one\n  b,\n)\nimport numpy as np\n',
    'features/__init__.py': '',
    'features/time.py': 'from . import zones\nfrom .deep.er import x\nfrom .. import top\n',
    'features/zones.py': 'from train import main\n',
    'features/deep/er.py': '',
    'shared/a.py': '',
    'shared.txt': '',
    'top.py': 'if True:\n    import lazy\n',
    'lazy.py': '',
    'settings.json': '{}',
  });
  assert.deepEqual(await codeFiles(folder, 'python train.py --data ${data} --config "settings.json"', []), [
    'features/__init__.py',
    'features/deep/er.py',
    'features/time.py',
    'features/zones.py',
    'lazy.py',
    'settings.json',
    'shared/a.py',
    'top.py',
    'train.py',
  ]);
  assert.deepEqual(await codeFiles(folder, 'python -m features.zones', []), [
    'features/__init__.py',
    'features/deep/er.py',
    'features/time.py',
    'features/zones.py',
    'lazy.py',
    'shared/a.py',
    'top.py',
    'train.py',
  ]);
});

test('what is included comes along, hidden files do not; nothing comes from outside', async (t) => {
  const folder = await folderOf(t, {
    'code/train.py': '',
    'code/data/a.txt': '',
    'code/data/.hidden': '',
    'code/data/__pycache__/a.pyc': '',
    'code/data/deep/b.txt': '',
    'secret.txt': '',
  });
  const code = join(folder, 'code');
  assert.deepEqual(await codeFiles(code, 'python train.py ../secret.txt', ['data']), [
    'data/a.txt',
    'data/deep/b.txt',
    'train.py',
  ]);
  await assert.rejects(codeFiles(code, 'python train.py', ['../secret.txt']), {
    code: 'local_file_unreadable',
    message: /--include \.\.\/secret\.txt cannot be read: it is not below/,
  });
  await assert.rejects(codeFiles(code, 'python train.py', ['nowhere']), { code: 'local_file_unreadable' });
});

test('CSV with quotes, line breaks and any cut', async () => {
  const text = '\uFEFFid,why\r\n1,"a, ""b""\nc"\n\n2,\n3,last';
  const rows = async (pieces: Iterable<string>): Promise<readonly CsvRow[]> =>
    Array.fromAsync(readCsv(pieces));
  const expected = [
    { line: 1, cells: ['id', 'why'] },
    { line: 2, cells: ['1', 'a, "b"\nc'] },
    { line: 5, cells: ['2', ''] },
    { line: 6, cells: ['3', 'last'] },
  ];
  assert.deepEqual(await rows([text]), expected);
  assert.deepEqual(await rows(text), expected, 'letter by letter');
  assert.deepEqual(await rows([]), []);
});
