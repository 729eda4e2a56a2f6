import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLabels } from './labels.ts';
import { readConfigText } from './model-config.ts';
import type { ModelSource } from './model-source.ts';

test('a class without a name keeps its line, so that those behind it keep theirs', async () => {
  const { config } = readConfigText('output { name: "y" label_filename: "labels.txt" }');
  const source = {
    read: async (path: string) => (path === 'labels.txt' ? Buffer.from('\ncat\r\n\ndog\n\n') : null),
  };
  assert.deepEqual(await readLabels('1', source as unknown as ModelSource, config), ['', 'cat', '', 'dog']);
});
