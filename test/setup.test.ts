import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('..', import.meta.url));
const PLAIN_TOOLS = [
  'sh',
  'dirname',
  'readlink',
  'uname',
  'cmp',
  'cp',
  'ln',
  'mkdir',
  'grep',
  'cat',
  'touch',
];

/** A copy of the scripts in a folder of their own, and a PATH that holds plain tools and the given programs only. */
function freshMachine(t: TestContext, programs: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), 'millrace-setup-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const path of ['bin/millrace', 'scripts/bootstrap.sh', 'scripts/venv.sh', 'python/requirements.txt']) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    cpSync(join(repository, path), join(root, path));
  }
  const path = join(root, 'path');
  mkdirSync(path);
  for (const tool of PLAIN_TOOLS) {
    const found = spawnSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).stdout.trim();
    symlinkSync(found, join(path, tool));
  }
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(path, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(path, name), 0o755);
  }
  const run = (command: string, ...args: string[]) =>
    spawnSync(join(root, command), args, { encoding: 'utf8', env: { PATH: path, HOME: root } });
  return { root, run };
}

test('the launcher of a clone that is not set up says what to type', (t) => {
  // An old Node, and packages that npm is still bringing.
  for (const version of ['v20.11.0', 'v24.1.0']) {
    const { root, run } = freshMachine(t, { node: `echo ${version}` });
    mkdirSync(join(root, 'node_modules'));
    const { status, stderr } = run('bin/millrace', 'up');
    assert.equal(status, 1);
    assert.equal(stderr, `millrace is not set up yet: run "make setup" in ${root}\n`);
  }
});

test('the launcher works through a link from elsewhere', (t) => {
  const { root, run } = freshMachine(t, {});
  symlinkSync('../bin/millrace', join(root, 'path/millrace'));
  assert.match(run('path/millrace', 'up').stderr, new RegExp(`run "make setup" in ${root}\n`));
});

test('the launcher tells node that it was started with nohup', {
  skip: process.platform !== 'linux',
}, (t) => {
  const { root, run } = freshMachine(t, { node: 'echo "v24.1.0 $MILLRACE_NOHUP"' });
  mkdirSync(join(root, 'node_modules'));
  writeFileSync(join(root, 'node_modules/.package-lock.json'), '');
  const started = `#!/bin/sh\ntrap '' HUP; exec ${join(root, 'bin/millrace')} up\n`;
  writeFileSync(join(root, 'started'), started, { mode: 0o755 });
  assert.equal(run('bin/millrace', 'up').stdout, 'v24.1.0 \n');
  assert.equal(run('started').stdout, 'v24.1.0 1\n');
});

test('a machine without npm is told what to install', (t) => {
  const { status, stderr } = freshMachine(t, { node: 'echo v18.0.0' }).run('scripts/bootstrap.sh');
  assert.equal(status, 1);
  assert.match(stderr, /Node with npm is needed[\s\S]*Install Node 20 or newer with npm/);
});

test('a machine without Python is told what to install, and that the server needs none', (t) => {
  const { status, stderr } = freshMachine(t, {}).run('scripts/venv.sh');
  assert.equal(status, 1);
  assert.match(
    stderr,
    /Python 3\.11 or newer is needed[\s\S]*none was found[\s\S]*apt-get install python3[\s\S]*works without/,
  );
});

test('a Python that is too old is named with its version', (t) => {
  const python3 = 'case "$2" in *exit*) exit 1;; *) echo 3.9;; esac';
  const { status, stderr } = freshMachine(t, { python3 }).run('scripts/venv.sh');
  assert.equal(status, 1);
  assert.match(stderr, /found only python3 is 3\.9/);
});

test('a Python without its venv module is told which package holds it', (t) => {
  const python3 = 'case "$2" in *ensurepip*) exit 1;; *exit*) exit 0;; *) echo 3.12;; esac';
  const { status, stderr } = freshMachine(t, { python3 }).run('scripts/venv.sh');
  assert.equal(status, 1);
  assert.match(stderr, /cannot make virtual environments[\s\S]*python3-venv/);
});

test('every target of the Makefile is listed by make help', () => {
  const makefile = readFileSync(join(repository, 'Makefile'), 'utf8');
  const targets = /^\.PHONY: (.*)$/m.exec(makefile)?.[1]?.split(' ') ?? [];
  const help = spawnSync('make', ['-C', repository, '--no-print-directory'], { encoding: 'utf8' }).stdout;
  for (const target of targets) assert.match(help, new RegExp(`^ {2}make ${target} +\\S`, 'm'));
});
