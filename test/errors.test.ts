import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { errorsPage } from '../scripts/errors-doc.ts';
import { type ErrorEntry, errorCatalogue } from '../src/core/errors.ts';
import { readSourceTree } from './architecture/source-tree.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));
const entries: [string, ErrorEntry][] = Object.entries(errorCatalogue);

test('docs/errors.md is the page of the catalogue', () => {
  const page = readFileSync(`${repository}docs/errors.md`, 'utf8');
  assert.equal(page, errorsPage(), 'run "make docs" and commit docs/errors.md');
});

test('every entry names a fault and a next step', () => {
  for (const [code, entry] of entries) {
    assert.match(code, /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
    assert.ok(entry.status >= 400 && entry.status < 600, `${code}: status ${entry.status}`);
    assert.ok(entry.title !== '' && entry.message !== '' && entry.next !== '', `${code}: an empty text`);
  }
});

test('every code is used', () => {
  const used = new Set<string>();
  for (const file of readSourceTree(repository)) {
    if (!file.path.startsWith('src/') || file.path.startsWith('src/core/errors/')) continue;
    for (const match of file.text.matchAll(/['"]([a-z][a-z0-9_]*)['"]/g)) used.add(match[1]!);
  }
  assert.deepEqual(
    entries.map(([code]) => code).filter((code) => !used.has(code)),
    [],
    'codes that nothing throws: remove them from src/core/errors',
  );
});

test('no code is declared by two parts', () => {
  const seen = new Map<string, string>();
  for (const file of readSourceTree(repository)) {
    if (!file.path.startsWith('src/core/errors/')) continue;
    for (const match of file.text.matchAll(/^ {2}([a-z][a-z0-9_]*): \{/gm)) {
      const code = match[1]!;
      assert.equal(seen.get(code), undefined, `${code} is in ${seen.get(code)} and ${file.path}`);
      seen.set(code, file.path);
    }
  }
  assert.equal(seen.size, entries.length);
});
