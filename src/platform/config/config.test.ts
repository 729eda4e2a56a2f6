import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { smallDisk } from '../../../test/support/small-disk.ts';
import {
  defaultArtifactRootOf,
  lockDirectory,
  patternOf,
  readSettings,
  settingGroups,
  settingNames,
  settingsSchema,
  storageLocation,
} from './index.ts';

const directory = await mkdtemp(join(tmpdir(), 'millrace-config-'));
after(() => rm(directory, { recursive: true }));

test('defaults bind to this machine only', () => {
  const settings = readSettings([], {});
  assert.equal(settings.host, '127.0.0.1');
  assert.equal(settings.port, 7600);
  assert.equal(settings.servePort, 7601);
  assert.equal(settings.data, resolve('./.millrace'));
});

test('a flag wins over the environment, the environment over the file', async () => {
  const file = join(directory, 'millrace.yaml');
  await writeFile(file, 'port: 1\nservePort: 2\nhost: 0.0.0.0\n');
  const env = { MILLRACE_SERVE_PORT: '3', MILLRACE_HOST: '10.0.0.1', MILLRACE_CONFIG: file };
  const settings = readSettings(['--host=10.0.0.2'], env);
  assert.deepEqual([settings.port, settings.servePort, settings.host], [1, 3, '10.0.0.2']);
});

test('every setting stands in one group, with a description', () => {
  const grouped = settingGroups.flatMap((group) => group.settings);
  assert.deepEqual([...grouped].sort(), [...settingNames].sort(), 'add it to setting-groups.ts');
  for (const name of settingNames) assert.ok(settingsSchema.shape[name].description, name);
});

test('wrong settings name where they stand, their value and what is allowed', async () => {
  const file = join(directory, 'wrong.yaml');
  await writeFile(file, 'prot: 1\n');
  const refused = (flags: string[], env: Record<string, string>, message: RegExp) =>
    assert.throws(() => readSettings(flags, env), { code: 'config_invalid', message });
  refused(['--port', 'many'], {}, /--port: "many": must be a port number/);
  refused([], { MILLRACE_SERVE_PORT: '70000' }, /MILLRACE_SERVE_PORT: "70000"/);
  refused(
    [],
    { MILLRACE_DATABASE_URL: 'mysql://x' },
    /MILLRACE_DATABASE_URL: "mysql:\/\/x": must be a postgres/,
  );
  refused(['--config', file], {}, /prot in .*wrong\.yaml: is not a setting; the nearest is port/);
  refused(['--nope', '1'], {}, /--nope: is not a flag; "millrace help up" lists them all/);
  refused(
    ['--workers', '2'],
    {},
    /--workers: is not a flag; perhaps --webhook-max-workers or --serve-workers or --python-workers is meant; "millrace help up" lists/,
  );
  refused(['--prot', '1'], {}, /--prot: is not a flag; the nearest is --port/);
  refused(['--port'], {}, /--port: needs a value/);
  refused(['--config', join(directory, 'missing.yaml')], {}, /missing\.yaml: cannot be read/);
});

test('what is on or off takes no value as a flag, and words of either kind elsewhere', () => {
  const settings = readSettings(['--no-serve-artifacts'], { MILLRACE_ARTIFACTS_ONLY: 'no' });
  assert.deepEqual([settings.serveArtifacts, settings.artifactsOnly], [false, false]);
  assert.equal(
    readSettings(['--serve-artifacts'], { MILLRACE_SERVE_ARTIFACTS: 'false' }).serveArtifacts,
    true,
  );
  assert.throws(() => readSettings(['--artifacts-only=maybe'], {}), /"maybe": must be true or false/);
  assert.throws(() => readSettings(['--no-serve-artifacts=1'], {}), /takes no value/);
});

test('a pattern is read as Python reads it', () => {
  const matches = (pattern: string, source: string) => {
    const settings = readSettings(['--model-source-pattern', pattern], {});
    return patternOf(settings.modelSourcePattern ?? '').test(source);
  };
  assert.ok(matches('^s3://ours/', 's3://ours/m'));
  assert.ok(!matches('^s3://ours/', 'x s3://ours/m'));
  assert.ok(matches('(?i)^S3:', 's3://ours/m'));
  assert.ok(matches('(?P<scheme>s3|gs):', 'gs://ours/m'));
  assert.ok(matches('\\As3:.*/m\\Z', 's3://ours/m'));
  assert.ok(!matches('\\As3:.*/m\\Z', 's3://ours/m/x'));
  assert.ok(!matches('\\\\Z', 's3://ours/m'));
  const message = /--model-source-pattern: "\(": must be a regular expression/;
  assert.throws(() => readSettings(['--model-source-pattern', '('], {}), { code: 'config_invalid', message });
});

test("variables of MLflow's server count where ours say nothing", () => {
  const env = { MLFLOW_SERVER_ALLOWED_HOSTS: 'a.org, *.b.org', MLFLOW_SERVER_X_FRAME_OPTIONS: 'deny' };
  const settings = readSettings([], env);
  assert.deepEqual(settings.allowedHosts, ['a.org', '*.b.org']);
  assert.equal(settings.xFrameOptions, 'DENY');
  assert.deepEqual(readSettings([], { ...env, MILLRACE_ALLOWED_HOSTS: 'c.org' }).allowedHosts, ['c.org']);
});

test('settings about artifacts fit together', () => {
  assert.equal(defaultArtifactRootOf(readSettings([], {})), 'mlflow-artifacts:/');
  assert.equal(defaultArtifactRootOf(readSettings(['--no-serve-artifacts'], {})), resolve('mlruns'));
  assert.equal(readSettings(['--artifact-root', 'x'], {}).artifactRoot, resolve('x'));
  assert.equal(readSettings(['--artifact-root', 's3://b/x'], {}).artifactRoot, 's3://b/x');
  const refused = (flags: string[], message: RegExp) =>
    assert.throws(() => readSettings(flags, {}), { code: 'config_invalid', message });
  refused(['--no-serve-artifacts', '--artifact-root', 'mlflow-artifacts:/'], /--no-serve-artifacts forbids/);
  refused(['--artifact-root', 'gs://bucket'], /"gs:\/\/bucket": must be mlflow-artifacts/);
  refused(['--artifacts-destination', 'gs://bucket'], /must be a directory/);
  refused(['--artifacts-only', '--no-serve-artifacts'], /leaves nothing/);
  refused(['--static-prefix', 'x'], /must begin with a \//);
});

test('locations are directories or buckets', () => {
  assert.deepEqual(storageLocation('/a/../b'), { kind: 'directory', path: '/b' });
  assert.deepEqual(storageLocation('file:///a%20b'), { kind: 'directory', path: '/a b' });
  assert.deepEqual(storageLocation('s3://bucket/p/q/'), { kind: 's3', bucket: 'bucket', prefix: 'p/q' });
  assert.deepEqual(storageLocation('s3://bucket'), { kind: 's3', bucket: 'bucket', prefix: '' });
  for (const text of ['', 'relative', 'file://host/a', 's3:///a', 'gs://b']) {
    assert.equal(storageLocation(text), undefined, text);
  }
});

test('a directory is held by one process, and free again when that process is killed', async (t) => {
  const path = join(directory, 'data');
  const script = `
    import { lockDirectory } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
    lockDirectory(${JSON.stringify(path)}, 'control');
    console.log('held');
    setInterval(() => {}, 1000);`;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript', '-e', script];
  const holder = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => holder.kill('SIGKILL'));
  await once(holder.stdout, 'data');
  assert.throws(() => lockDirectory(path, 'control'), {
    code: 'data_locked',
    message: new RegExp(`held by process ${holder.pid}`),
  });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  lockDirectory(path, 'control').release();
});

test('a new directory is for its owner alone, one that is there stays as it is', async () => {
  const mode = (path: string): number => statSync(path).mode & 0o777;
  const shared = join(directory, 'shared');
  await mkdir(shared);
  await chmod(shared, 0o755);
  lockDirectory(shared, 'control').release();
  lockDirectory(join(shared, 'serve'), 'serve').release();
  assert.deepEqual([mode(shared), mode(join(shared, 'serve'))], [0o755, 0o700]);
});

test('a data directory that is a file, or lies in one, is refused by name, with what to do', async () => {
  const file = join(directory, 'file');
  await writeFile(file, '');
  for (const path of [file, join(file, 'data')]) {
    assert.throws(() => lockDirectory(path, 'control'), {
      code: 'data_unusable',
      message: /^the data directory .*file.* cannot be used: /,
    });
  }
});

test('a data directory on a disk that may only be read is refused for that', async (t) => {
  const disk = await smallDisk('64k,ro');
  if (!disk) return t.skip('this user may not mount a disk');
  t.after(disk.remove);
  for (const path of [disk.directory, join(disk.directory, 'not', 'there')])
    assert.throws(() => lockDirectory(path, 'control'), { code: 'data_unusable', message: /read-only/ });
});

test('a password in the address of a database is not told where the address is wrong', () => {
  const env = { MILLRACE_DATABASE_URL: 'postgresql+psycopg2://ann:hun/t@er2@db:5432/x' };
  assert.throws(
    () => readSettings([], env),
    /"postgresql\+psycopg2:\/\/ann:\*\*\*@db:5432\/x": must be a postgres/,
  );
});
