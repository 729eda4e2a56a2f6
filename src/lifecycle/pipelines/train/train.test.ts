import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { MillraceError } from '../../../core/errors.ts';
import { openDirectoryBlobs } from '../../../platform/blobs/index.ts';
import { Frames } from '../../../platform/frames/index.ts';
import { commandLine } from './command-line.ts';
import { trainStep } from './train-step.ts';

test('parameters fill their places, and the others are added', () => {
  assert.deepEqual(
    commandLine('python train.py --data ${data} --n ${trees}', { trees: 5, rate: 0.1 }, '/d'),
    ['python', 'train.py', '--data', '/d', '--n', '5', '--rate', '0.1'],
  );
});

test('quotes group words; there is no shell', () => {
  assert.deepEqual(commandLine(`node -e "a b" 'c "d'`, {}, '/d'), ['node', '-e', 'a b', 'c "d']);
  const refused = (run: string, text: RegExp) =>
    assert.throws(
      () => commandLine(run, {}, '/d'),
      (error) =>
        error instanceof MillraceError && error.code === 'train_command_invalid' && text.test(error.message),
    );
  refused('python a.py | tee log', /"\|" would need a shell/);
  refused('  ', /it is empty/);
  refused('python "a', /is not closed/);
  refused('python ${seed}', /\$\{seed\} is not known; there are \$\{data\}/);
});

/** Runs a script as a train step; Node stands in for Python, the step does not care. */
async function runScript(
  t: TestContext,
  script: string,
  options: { signal?: AbortSignal; run?: string } = {},
) {
  const root = await mkdtemp(join(tmpdir(), 'millrace-train-'));
  const frames = new Frames({ temporaryDirectory: root, memoryLimit: '256MB', threads: 1 });
  t.after(() => rm(root, { recursive: true, force: true }));
  const blobs = await openDirectoryBlobs(join(root, 'blobs'));
  const data = await blobs.put('rows');
  const file = await blobs.put(script);
  const lines: string[] = [];
  const step = trainStep(process.execPath);
  const outputs = step.run(
    {
      run: options.run ?? 'python lib/train.mjs --data ${data}',
      params: { depth: 3 },
      dataDigest: data.digest,
      dataRows: 1,
      files: [{ path: 'lib/train.mjs', digest: file.digest }],
      experiment: 'flights',
    },
    {
      stepRunId: 'step',
      attempt: 1,
      subject: 'flights/1',
      signal: options.signal ?? new AbortController().signal,
      workDir: await mkdtemp(join(root, 'attempt-')),
      blobs,
      frames,
      token: 'secret',
      controlUrl: 'http://control',
      log: (line, stream) => lines.push(`${stream ?? 'system'}: ${line}`),
    },
  );
  return { outputs, lines };
}

/** A process that has ended but was not waited for (state Z) does not run. */
async function isRunning(pid: number): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat !== undefined) return stat.split(') ')[1]?.[0] !== 'Z';
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a script gets its data, parameters, the tracking variables and the way out, and none of our own', async (t) => {
  const set = { MILLRACE_SECRET_PROBE: 'x', HTTPS_PROXY: 'http://proxy:3128', PIP_CERT: '/corp.pem' };
  Object.assign(process.env, set);
  t.after(() => {
    for (const name of Object.keys(set)) delete process.env[name];
  });
  const { outputs, lines } = await runScript(
    t,
    `import { readFileSync } from 'node:fs';
    const e = process.env;
    console.log(process.argv.slice(4).join(' '), readFileSync(process.argv[3], 'utf8'));
    console.log(e.MLFLOW_TRACKING_URI, e.MLFLOW_TRACKING_TOKEN, e.MLFLOW_EXPERIMENT_NAME);
    console.log(e.MILLRACE_SECRET_PROBE, readFileSync(e.MILLRACE_TRAIN_DATA, 'utf8'));
    console.log(e.HTTPS_PROXY, e.PIP_CERT, (e.NO_PROXY ?? '').split(',').includes('control'));`,
  );
  const { command } = await outputs;
  assert.deepEqual(command, ['python', 'lib/train.mjs', '--data', '${data}', '--depth', '3']);
  const written = lines.filter((line) => !line.startsWith('system: '));
  assert.deepEqual(written, [
    'stdout: --depth 3 rows',
    'stdout: http://control secret flights',
    'stdout: undefined rows',
    'stdout: http://proxy:3128 /corp.pem true',
  ]);
});

test('a script that fails: exit code and last lines of stderr are in the message', async (t) => {
  const { outputs } = await runScript(t, `console.error('no column delay'); process.exit(3);`);
  await assert.rejects(outputs, (error) => {
    assert.ok(error instanceof MillraceError);
    assert.equal(error.code, 'train_script_failed');
    assert.match(error.message, /exit code 3: no column delay/);
    return true;
  });
});

test('a missing interpreter is named with what to do', async (t) => {
  const { outputs } = await runScript(t, '', { run: 'pythonnnn train.py' });
  await assert.rejects(outputs, (error) => {
    assert.ok(error instanceof MillraceError);
    assert.equal(error.code, 'train_python_missing');
    assert.match(error.message, /pythonnnn/);
    return true;
  });
});

test('stopping a script also stops what it started', async (t) => {
  const stop = new AbortController();
  const { outputs, lines } = await runScript(
    t,
    `import { spawn } from 'node:child_process';
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
    console.log(child.pid);
    setInterval(() => {}, 1000);`,
    { signal: stop.signal },
  );
  while (lines.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  stop.abort('cancelled');
  await assert.rejects(outputs);
  const grandchild = Number(lines[1]?.split(': ')[1]);
  while (await isRunning(grandchild)) await new Promise((resolve) => setTimeout(resolve, 10));
});
