import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

interface LockEntry {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly inBundle?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const lock = (JSON.parse(read('package-lock.json')) as { packages: Record<string, LockEntry> }).packages;

test('package-lock.json names no registry host and has the digest of what it installs', () => {
  for (const [path, entry] of Object.entries(lock)) {
    if (path === '') continue;
    assert.equal(entry.resolved, undefined, `${path}: has "resolved"; .npmrc leaves it out`);
    if (!entry.inBundle) assert.match(entry.integrity ?? '', /^sha512-/, `${path}: has no integrity`);
  }
});

test('package-lock.json holds the packages of every platform', () => {
  // npm leaves out, without a word, what a registry does not have; the lock then installs on one platform only.
  for (const [path, entry] of Object.entries(lock)) {
    for (const name of Object.keys(entry.optionalDependencies ?? {})) {
      const found = [`${path}/node_modules/${name}`, `node_modules/${name}`].some((place) => place in lock);
      assert.ok(found, `${path} ${entry.version} wants ${name}, which is not locked: choose another version`);
    }
  }
});

test('package.json names exact versions only', () => {
  const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
  const all = { ...manifest.dependencies, ...manifest.devDependencies };
  for (const [name, version] of Object.entries(all)) assert.match(version, /^\d+\.\d+\.\d+/, name);
});

test('python/requirements.txt has exact versions with hashes and names no index', () => {
  const text = read('python/requirements.txt');
  assert.doesNotMatch(text, /:\/\/|^--?(index|extra-index|find-links)/m);
  const pins = text.split('\n').filter((line) => /^[a-z0-9]/i.test(line));
  for (const pin of pins) assert.match(pin, /^[\w.[\]-]+==\S+( ;.*)? \\$/, pin);
  assert.ok(pins.length > 50);
});
