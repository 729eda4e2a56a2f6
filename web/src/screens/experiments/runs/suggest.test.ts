import assert from 'node:assert/strict';
import { test } from 'node:test';
import { complete, typingAt, wordsFor } from './suggest.ts';

const typing = (text: string) => typingAt(text, text.length);

test('a key of a metric, param or tag is completed, quoted or not', () => {
  assert.deepEqual(typing('metrics.val'), { kind: 'metric', typed: 'val', from: 8 });
  assert.deepEqual(typing('a = 1 AND params.`a b'), { kind: 'param', typed: 'a b', from: 17 });
  assert.deepEqual(typing('tag.'), { kind: 'tag', typed: '', from: 4 });
});

test('words of the grammar are completed, values are left alone', () => {
  assert.deepEqual(typing('me'), { kind: 'word', typed: 'me', from: 0 });
  assert.equal(typing("params.model = 'met"), null);
  assert.equal(typing('metrics.auc > 0.7'), null);
  assert.deepEqual(wordsFor('ME'), ['metrics.']);
  assert.deepEqual(wordsFor('and'), []);
});

test('what is chosen takes the place of what was typed', () => {
  assert.deepEqual(complete('metrics.va > 1', 8, 10, 'val_auc'), { text: 'metrics.val_auc > 1', caret: 15 });
  assert.deepEqual(complete('me', 0, 2, 'metrics.'), { text: 'metrics.', caret: 8 });
  assert.deepEqual(complete('params.`a', 7, 9, '`a b`'), { text: 'params.`a b` ', caret: 13 });
});
