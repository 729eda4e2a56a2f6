import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tagChanges, tagsText } from './tags-text.ts';

test('tags are written as lines, and only what differs is changed', () => {
  const tags = { team: 'sea', old: 'x', 'mlflow.note.content': 'kept' };
  assert.equal(tagsText(tags), 'old: x\nteam: sea');
  assert.deepEqual(tagChanges(tags, tagsText(tags)), {});
  assert.deepEqual(tagChanges(tags, 'team: land\nurl: http://a:1\nflag\nmlflow.user: me\n'), {
    team: 'land',
    url: 'http://a:1',
    flag: '',
    old: null,
  });
});
