import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

test('package-lock.json names no registry host and pins what it installs', () => {
  const lock = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { resolved?: string; integrity?: string; version?: string }>;
  };
  for (const [path, entry] of Object.entries(lock.packages)) {
    if (path === '') continue;
    assert.equal(entry.resolved, undefined, `${path}: has "resolved"; .npmrc leaves it out`);
    assert.match(entry.integrity ?? '', /^sha512-/, `${path}: has no integrity`);
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
