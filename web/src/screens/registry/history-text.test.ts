import assert from 'node:assert/strict';
import { test } from 'node:test';
import { historySentence } from './history-text.ts';

const entry = (what: string, more: object) =>
  historySentence({ what, key: null, before: null, after: null, version: 3, ...more } as Parameters<
    typeof historySentence
  >[0]);

test('changes read as sentences', () => {
  assert.equal(entry('alias', { key: 'canary', before: '2', after: '3' }), 'canary moved from v2 to v3');
  assert.equal(entry('alias', { key: 'canary', after: '3' }), 'canary set to v3');
  assert.equal(entry('alias', { key: 'canary', before: '3' }), 'no longer canary');
  assert.equal(entry('tag', { key: 'team', after: 'ops' }), 'tag team: ops');
  assert.equal(entry('created', { version: null }), 'model registered');
  assert.equal(entry('gates', { after: '2 passed' }), 'gates: 2 passed');
  assert.ok(entry('description', { after: 'x'.repeat(200) }).length < 100);
});
