import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseLoopFile } from '../src/loop/index.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));
const pages = ['README.md', 'CONTRIBUTING.md', 'docs/decisions/README.md', 'examples/flights/README.md'];
const read = (page: string): string => readFileSync(join(repository, page), 'utf8');

test('the loop file in README.md is a valid one', () => {
  const blocks = [...read('README.md').matchAll(/```yaml\n([\s\S]*?)```/g)];
  assert.equal(blocks.length, 1);
  for (const [, text] of blocks) assert.ok(parseLoopFile(text ?? '').loop);
});

test('every command that the pages name exists', () => {
  const help = spawnSync(join(repository, 'bin/millrace'), ['help'], { encoding: 'utf8' });
  assert.equal(help.status, 0, help.stderr);
  const makefile = read('Makefile');
  for (const page of pages) {
    const text = read(page);
    for (const [, command = ''] of text.matchAll(/(?:bin\/millrace|`millrace) ([a-z]+)/g)) {
      assert.match(help.stdout, new RegExp(`^  ${command}\\b`, 'm'), `${page}: millrace ${command}`);
    }
    for (const [, target = ''] of text.matchAll(/(?:^|`)(?:DEMO_EXIT=1 )?make ([a-z-]+)/gm)) {
      assert.match(makefile, new RegExp(`^${target}:`, 'm'), `${page}: make ${target}`);
    }
  }
});

test('every link of the pages leads to a file', () => {
  for (const page of pages) {
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)#]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      assert.ok(existsSync(join(repository, dirname(page), target)), `${page}: ${target}`);
    }
  }
});
