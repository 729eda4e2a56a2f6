import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseLoopFile } from '../src/loop/index.ts';
import { readSettings } from '../src/platform/config/index.ts';
import { commandOf } from '../src/surfaces/cli/command-table.ts';
import { parseCommand } from '../src/surfaces/cli/parse-command.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));
const pages = ['README.md', 'CONTRIBUTING.md', 'examples/flights/README.md'].concat(
  globSync('docs/**/*.md', { cwd: repository }).sort(),
);
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

/** The calls of `millrace` in the code blocks of a page, as words: what stands behind `#`, `|` or `&&` is cut off. */
function callsOf(page: string): readonly (readonly string[])[] {
  const blocks = [...read(page).matchAll(/```(\w*)\n([\s\S]*?)```/g)].flatMap(
    ([, language = '', text = '']) => (/^(sh)?$/.test(language) ? [text] : []),
  );
  return blocks.flatMap((block) =>
    [...block.replaceAll('\\\n', ' ').matchAll(/^(?:[A-Z_]+=\S+ )*(?:bin\/)?millrace (.+)$/gm)].map(
      ([, call = '']) => {
        const [words = ''] = call.split(/ +(?:#|\||&&|\[-)/);
        return [...words.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((m) => m[1] ?? m[2] ?? m[3] ?? '');
      },
    ),
  );
}

test('every call of the command line in the pages is one that it takes', () => {
  for (const page of pages) {
    for (const words of callsOf(page)) {
      const where = `${page}: millrace ${words.join(' ')}`;
      const [first = '', ...rest] = words;
      if (['version', 'help', 'move'].includes(first)) continue;
      if (['up', 'control', 'serve', 'work'].includes(first)) {
        assert.doesNotThrow(() => readSettings(rest, {}), where);
        continue;
      }
      const found = commandOf(words);
      assert.ok(found, where);
      assert.doesNotThrow(() => parseCommand(found.spec, found.words), where);
    }
  }
});

/** The anchors that a page's headings have, as GitHub names them. */
function anchorsOf(page: string): readonly string[] {
  return [...read(page).matchAll(/^#+ +(.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .trim()
      .replaceAll(' ', '-'),
  );
}

test('every link of the pages leads to a file, and to a heading where it names one', () => {
  for (const page of pages) {
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [path = '', anchor] = target.split('#', 2);
      const file = path === '' ? page : join(dirname(page), path);
      assert.ok(existsSync(join(repository, file)), `${page}: ${target}`);
      if (anchor !== undefined) assert.ok(anchorsOf(file).includes(anchor), `${page}: ${target}`);
    }
  }
});

test('every address of the REST API that the pages name is one that it has', () => {
  const { paths } = JSON.parse(read('docs/openapi.json')) as { paths: Readonly<Record<string, unknown>> };
  const known = Object.keys(paths).map((path) => new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`));
  for (const page of pages) {
    if (page.startsWith('docs/decisions/')) continue;
    for (const [, named = ''] of read(page).matchAll(/(\/api\/v1\/[\w\-/<>{}]+)/g)) {
      const address = named.replace(/<[^>]*>/g, 'x').replace(/\/$/, '');
      assert.ok(
        known.some((path) => path.test(address)),
        `${page}: ${named}`,
      );
    }
  }
});
