import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { allMigrations } from '../../src/compose/control-services.ts';
import type { RunDetail } from '../../src/lifecycle/experiments/contract.ts';
import type { StepRun } from '../../src/lifecycle/pipelines/contract.ts';
import { Pipelines, trainStep } from '../../src/lifecycle/pipelines/index.ts';
import { openDirectoryBlobs } from '../../src/platform/blobs/index.ts';
import { dataDirectory } from '../../src/platform/config/index.ts';
import { migrate, openSqlite } from '../../src/platform/db/index.ts';
import { Jobs } from '../../src/platform/jobs/index.ts';
import { Journal } from '../../src/platform/journal/index.ts';
import { gitState, sourceFile } from '../../src/surfaces/cli/git-state.ts';
import { startServer } from '../support/server.ts';

const script = `
import mlflow
with mlflow.start_run(run_name="of a step"):
    mlflow.log_metric("loss", 0.5)
print("trained")
`;

test('a run that Millrace started tells its commit, changes, environment and output', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'millrace-code-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  const repository = join(root, 'repository');
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], { encoding: 'utf8' });
  git('init', '-q', '-b', 'main', repository);
  await writeFile(join(repository, 'train.py'), script);
  git('-C', repository, 'add', '.');
  git('-C', repository, 'commit', '-qm', 'one');
  const commit = git('-C', repository, 'rev-parse', 'HEAD').trim();
  // Work on other files makes no other state of this one.
  await writeFile(join(repository, 'other.txt'), 'x');
  git('-C', repository, 'add', '.');
  git('-C', repository, 'commit', '-qm', 'two');
  await writeFile(join(repository, 'train.py'), `${script}# changed\n`);
  const source = await gitState(repository, ['train.py']);
  assert.equal(source?.commit, commit);
  assert.match(source?.diff ?? '', /\+# changed/);
  assert.equal(await gitState(root, ['x']), null);

  const data = join(root, 'data');
  const directory = dataDirectory(data);
  const blobs = await openDirectoryBlobs(directory.blobs);
  const put = async (text: string) => (await blobs.put(text)).digest;
  const db = openSqlite(directory.database);
  await migrate(db, allMigrations);
  const jobs = new Jobs(db);
  const pipelines = new Pipelines({ db, journal: new Journal(db), jobs, kinds: [trainStep('python')] });
  const inputs = {
    run: 'python train.py --data ${data}',
    params: {},
    dataDigest: await put('rows'),
    dataRows: 1,
    files: [
      { path: 'train.py', digest: await put(script) },
      { path: sourceFile, digest: await put(JSON.stringify(source)) },
    ],
    experiment: 'steps',
  };
  const id = await db.write((tx) => pipelines.start(tx, { kind: 'train', inputs, subject: 'steps/1' }));
  await db.close();

  const server = await startServer(t, {
    role: 'up',
    dataDirectory: data,
    // Set for the command line, say: what `up` starts belongs together all the same.
    env: { MILLRACE_URL: 'http://127.0.0.1:9' },
  });
  const json = async <T>(path: string): Promise<T> => {
    const response = await fetch(server.url + path);
    assert.ok(response.ok, `${path}: ${response.status} ${await response.clone().text()}`);
    return (await response.json()) as T;
  };
  let step: StepRun;
  do {
    await sleep(100);
    step = await json<StepRun>(`/api/v1/step-runs/${id}`);
  } while (step.status === 'queued' || step.status === 'running');
  assert.equal(step.status, 'succeeded', JSON.stringify(step.error));
  const filter = encodeURIComponent(`tags.millrace.step = '${id}'`);
  const { items } = await json<{ items: RunDetail[] }>(`/api/v1/runs?filter=${filter}`);
  const run = await json<RunDetail>(`/api/v1/runs/${items[0]?.id}`);
  assert.deepEqual([run.code?.commit, run.code?.branch, run.code?.isDirty], [commit, 'main', true]);
  assert.match(run.code?.python ?? '', /^3\./);
  const text = async (file: string) =>
    (
      await fetch(`${server.url}/api/v1/runs/${run.id}/artifact-content?path=${encodeURIComponent(file)}`)
    ).text();
  assert.match(await text('code/environment.txt'), /^mlflow==3\./m);
  assert.match(await text('code/output.log'), /^trained$/m);
  assert.match(await text('code/changes.patch'), /\+# changed/);
});
