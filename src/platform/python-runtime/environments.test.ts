import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isAlive } from '../../../test/support/processes.ts';
import { digestOf } from '../../core/json.ts';
import { EnvironmentCache } from './environment-cache.ts';
import { type EnvironmentOptions, PythonEnvironments } from './environments.ts';
import { Owners } from './owners.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const python = join(root, '.venv/bin/python');
const wheelScript = `
import sys, zipfile
for version in ("1.0", "2.0"):
    name = f"{sys.argv[1]}/tinypart-{version}-py3-none-any.whl"
    with zipfile.ZipFile(name, "w") as wheel:
        info = f"tinypart-{version}.dist-info"
        wheel.writestr("tinypart.py", f"version = '{version}'")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: tinypart\\nVersion: {version}\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", "")
`;
suite('environments of Python', { skip: !existsSync(python) }, () => {
  let directory = '';
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-environments-'));
    await mkdir(join(directory, 'wheels'));
    execFileSync(python, ['-c', wheelScript, join(directory, 'wheels')]);
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const environments = (options: Partial<EnvironmentOptions> = {}, owners?: Owners) =>
    new PythonEnvironments(
      {
        python,
        directory: join(directory, 'cache'),
        mode: 'auto',
        wheels: join(directory, 'wheels'),
        cacheBytes: 1e9,
        ...options,
      },
      owners ?? new Owners(join(directory, 'processes')),
    );
  const wanted = (...requirements: string[]) => ({ requirements, pythonVersion: null });
  const versionIn = (interpreter: string) =>
    execFileSync(interpreter, ['-c', 'import tinypart; print(tinypart.version)'], {
      encoding: 'utf8',
    }).trim();

  test('the given Python is taken where it meets all, and always when it shall be', async () => {
    const met = wanted('mlflow', 'scikit-learn>=1.0', 'pywin32>300; sys_platform == "win32"');
    assert.equal(await environments().interpreterFor(met, log), python);
    const given = environments({ mode: 'given' });
    assert.equal(await given.interpreterFor(wanted('tinypart==9'), log), python);
    const missing = environments({ python: '/nowhere/python' });
    await assert.rejects(missing.interpreterFor(wanted('numpy'), log), {
      code: 'python_missing',
      message: /\/nowhere\/python/,
    });
  });

  test('else one is built once from the wheels, for all who ask at the same time and later', async () => {
    const all = environments();
    const [one, two] = await Promise.all([
      all.interpreterFor(wanted('tinypart==1.0'), log),
      all.interpreterFor(wanted('tinypart==1.0'), log),
    ]);
    assert.equal(one, two);
    assert.equal(versionIn(one), '1.0');
    assert.ok(lines.includes('the given Python does not meet tinypart==1.0'));
    const builds = lines.filter((line) => line.startsWith('building an environment')).length;
    assert.equal(builds, 1);
    assert.equal(await environments().interpreterFor(wanted('tinypart==1.0'), log), one);
    assert.equal(lines.filter((line) => line.startsWith('building an environment')).length, builds);
  });

  test('wheels and constraints are files of the model; what has no hash comes after those that have', async () => {
    const model = join(directory, 'model');
    await mkdir(join(model, 'wheels'), { recursive: true });
    await writeFile(join(model, 'constraints.txt'), 'tinypart==1.0\nnumpy>=1');
    const name = 'tinypart-1.0-py3-none-any.whl';
    const wheel = await readFile(join(directory, 'wheels', name));
    await writeFile(join(model, 'wheels', name), wheel);
    const files = [{ path: `wheels/${name}`, digest: digestOf(wheel) }];
    const of = (...requirements: string[]) => ({
      requirements,
      pythonVersion: null,
      directory: model,
      files,
    });
    const met = of('-c constraints.txt', '--pre', 'numpy');
    assert.equal(await environments().interpreterFor(met, log), python);
    execFileSync(python, ['-c', wheelScript.replaceAll('tinypart', 'otherpart'), join(directory, 'wheels')]);
    const hashed = `./wheels/${name} --hash=${digestOf(wheel)}`;
    const both = await environments().interpreterFor(of('otherpart==1.0', hashed), log);
    assert.equal(versionIn(both), '1.0');
    execFileSync(both, ['-c', 'import otherpart']);
    assert.deepEqual((await readdir(model)).sort(), ['constraints.txt', 'wheels']);
  });

  test('what cannot be installed is told in the last words of pip, and nothing is left of it', async () => {
    const built = async () =>
      (await readdir(join(directory, 'cache'))).filter((name) => !name.endsWith('.lock'));
    const before = await built();
    await assert.rejects(environments().interpreterFor(wanted('tinypart==3.0'), log), {
      code: 'python_environment_failed',
      message: /tinypart==3\.0: .*No matching distribution found for tinypart==3\.0/,
    });
    const version = { requirements: ['tinypart==1.0'], pythonVersion: '2.4.1' };
    await assert.rejects(environments().interpreterFor(version, log), {
      code: 'python_environment_failed',
      message: /python2\.4 does not run/,
    });
    assert.deepEqual(await built(), before);
  });

  test('the cache is bounded: what was not used for longest goes, never what a process uses', async () => {
    const owners = new Owners(join(directory, 'processes'));
    const bounded = environments({ cacheBytes: 1 }, owners);
    const mine = await bounded.interpreterFor(wanted('tinypart==1.0'), log);
    const users = join(mine, '../../users');
    for (const user of await readdir(users)) await rm(join(users, user));
    await writeFile(join(users, 'one-that-ended'), '');
    const second = await bounded.interpreterFor(wanted('tinypart==2.0'), log);
    assert.ok(!existsSync(mine), 'nobody used it');
    assert.equal(versionIn(second), '2.0');
    assert.ok(existsSync(second), 'this process uses it');
  });

  test('a builder that is killed takes its programs with it; who waited for it builds, and removes what it left', async (t) => {
    const cache = join(directory, 'killed');
    const mark = join(directory, 'mark');
    const module = (name: string) => JSON.stringify(join(import.meta.dirname, name));
    const writePid = `import os, time; open('${mark}.part', 'w').write(str(os.getpid())); os.rename('${mark}.part', '${mark}'); time.sleep(1000)`;
    const builder = spawn(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '-e',
      `const { EnvironmentCache } = await import(${module('environment-cache.ts')});
       const { Owners } = await import(${module('owners.ts')});
       const { runAttended } = await import(${module('run-program.ts')});
       const { mkdir } = await import('node:fs/promises');
       await new EnvironmentCache('${cache}', 1e9, new Owners('${directory}/processes')).build('key', async (place) => {
         await mkdir(place);
         await runAttended('${python}', 'timeit', ['-n', '1', ${JSON.stringify(writePid)}]);
       }, () => {});`,
    ]);
    t.after(() => void builder.kill('SIGKILL'));
    while (!existsSync(mark)) await sleep(20);
    const pid = Number(await readFile(mark, 'utf8'));
    const [left = ''] = (await readdir(cache)).filter((name) => !name.endsWith('.lock'));
    const second = new EnvironmentCache(cache, 1e9, new Owners(join(directory, 'processes'))).build(
      'key',
      (place) => mkdir(place).then(() => assert.ok(!existsSync(join(cache, left)), 'it left nothing')),
      () => builder.kill('SIGKILL'),
    );
    assert.match(await second, /key-\w{8}\/bin\/python$/);
    assert.notEqual(join(cache, left), join(await second, '../..'));
    while (isAlive(pid)) await sleep(20);
  });

  test('a worker and what it started end with the process that started it, even when that is killed', async () => {
    // What the model's code would do as it is loaded, done as Python starts.
    const started = join(directory, 'started');
    const site = join(directory, 'site');
    await mkdir(site);
    await writeFile(
      join(site, 'sitecustomize.py'),
      `import subprocess
child = subprocess.Popen(["sleep", "1000"])
open("${started}.part", "w").write(str(child.pid))
__import__("os").rename("${started}.part", "${started}")`,
    );
    const starter = spawn(process.execPath, [
      '--disable-warning=ExperimentalWarning',
      '--input-type=module',
      '-e',
      `const { WorkerProcess } = await import(${JSON.stringify(join(import.meta.dirname, 'worker-process.ts'))});
       const worker = new WorkerProcess({ python: ${JSON.stringify(python)}, environment: { ...process.env, PYTHONPATH: ${JSON.stringify(site)} }, workingDirectory: '/tmp', memoryBytes: 1e9, onLine: () => {} });
       await worker.request({ op: 'none' }, new Uint8Array(), 60_000);
       console.log('up');
       setInterval(() => {}, 1000);`,
    ]);
    await once(starter.stdout, 'data');
    const child = Number(await readFile(started, 'utf8'));
    const worker = Number(
      execFileSync('ps', ['-o', 'ppid=', '-p', String(child)], { encoding: 'utf8' }).trim(),
    );
    assert.ok(isAlive(worker) && isAlive(child));
    starter.kill('SIGKILL');
    await once(starter, 'exit');
    while (isAlive(worker) || isAlive(child)) await sleep(50);
  });
});
