import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MillraceError } from '../../core/errors.ts';
import { fernetBox, keyFromFile, newFernetKey } from './index.ts';

const refused = (code: string) => (error: unknown) => error instanceof MillraceError && error.code === code;

test('what is sealed opens with the same key and with no other', () => {
  const key = newFernetKey();
  const box = fernetBox(key, 'key');
  for (const secret of ['', 'quiet', 'sixteen bytes!!!', 'Ünïcode ☂', 'x'.repeat(1000)]) {
    const sealed = box.seal(secret);
    assert.equal(fernetBox(key, 'key').open(sealed), secret);
    if (secret !== '') assert.ok(!sealed.includes(secret));
    assert.throws(() => fernetBox(newFernetKey(), 'key').open(sealed), refused('secret_unreadable'));
    const changed = `${sealed.slice(0, 20)}${sealed[20] === 'A' ? 'B' : 'A'}${sealed.slice(21)}`;
    assert.throws(() => box.open(changed), refused('secret_unreadable'));
  }
  assert.notEqual(box.seal('quiet'), box.seal('quiet'));
  for (const wrong of ['', 'short', `${key}AAAA`, '*'.repeat(44)])
    assert.throws(() => fernetBox(wrong, 'key'), refused('config_invalid'), wrong);
});

test("the example of Fernet's specification opens", () => {
  // https://github.com/fernet/spec/blob/master/verify.json
  const box = fernetBox('cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=', 'key');
  const token =
    'gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==';
  assert.equal(box.open(token), 'hello');
});

test('a key file is made once and is for its owner alone', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-secrets-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'secrets.key');
  const key = keyFromFile(path);
  assert.equal(keyFromFile(path), key);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(fernetBox(key, path).open(fernetBox(key, path).seal('a')), 'a');
});
