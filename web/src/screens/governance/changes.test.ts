import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesOf } from './changes.ts';

test('changed leaves come first; what was not there is null', () => {
  assert.deepEqual(
    changesOf({ state: 'canary', weight: 0.1 }, { state: 'canary', weight: 0.5, arms: [1, 2] }),
    [
      { path: 'weight', before: '0.1', after: '0.5', same: false },
      { path: 'arms', before: null, after: '[1,2]', same: false },
      { path: 'state', before: 'canary', after: 'canary', same: true },
    ],
  );
  assert.deepEqual(changesOf(null, 'on'), [{ path: '', before: null, after: 'on', same: false }]);
  assert.deepEqual(changesOf(null, undefined), []);
});
