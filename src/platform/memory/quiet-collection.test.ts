import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuietCollection } from './quiet-collection.ts';

const mb = 1024 * 1024;

test('memory is given back once, when changes and requests have ceased, and only where it is worth a pause', () => {
  let [residentMb, isIdle, collected] = [100, true, 0];
  const collection = new QuietCollection({
    residentBytes: () => residentMb * mb,
    isIdle: () => isIdle,
    collect: () => {
      collected++;
      residentMb = 120;
    },
  });
  const looks = (...changes: readonly boolean[]) => {
    for (const isChange of changes) {
      if (isChange) collection.changed();
      collection.look();
    }
    return collected;
  };
  residentMb = 400;
  assert.equal(looks(true, true, true), 0, 'changes go on');
  isIdle = false;
  assert.equal(looks(false, false), 0, 'requests are answered');
  isIdle = true;
  assert.equal(looks(false), 1);
  assert.equal(looks(true, false, false), 1, 'there is nothing to give back');
  residentMb = 120 + 63;
  assert.equal(looks(true, false), 1, 'a little is not worth it');
  residentMb = 120 + 64;
  assert.equal(looks(true, false), 2);
  collection.close();
});
