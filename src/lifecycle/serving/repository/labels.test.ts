import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelled } from './labels.ts';
import { readConfigText } from './model-config.ts';
import type { ModelSource } from './model-source.ts';

test('each output has the labels of its own file; a class without a name keeps its line', async () => {
  const { config } = readConfigText(
    'output [ { name: "y" label_filename: "animals.txt" }, { name: "z" label_filename: "colours.txt" } ]',
  );
  const files: Readonly<Record<string, string>> = {
    'animals.txt': '\ncat\r\n\ndog\n\n',
    '1/colours.txt': 'red\nblue',
  };
  const source = { read: async (path: string) => (path in files ? Buffer.from(files[path] ?? '') : null) };
  const outputs = ['x', 'y', 'z'].map((name) => ({ name, type: 'float' as const, shape: [-1, 4] }));
  const found = await labelled(outputs, '1', source as unknown as ModelSource, config);
  assert.deepEqual(
    found.map(({ labels }) => labels),
    [undefined, ['', 'cat', '', 'dog'], ['red', 'blue']],
  );
});
