import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Cleanup, startServer, type TestServer } from '../../../test/support/server.ts';
import { type Ended, runCommand } from './testing.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const main = join(root, 'src/main.ts');

const loopFile = `loop: late
data:
  source: rows.csv
  time: date
  entity: id
  label: { column: late, positive: "1" }
train:
  run: python train.py --data \${data}
evaluate:
  gates:
    - { metric: auc, min: 0.6 }
`;

let server: TestServer;
let folder: string;
const cleanups: (() => void | Promise<void>)[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-cli-'));
  const cleanup: Cleanup = { after: (fn) => void cleanups.push(fn) };
  server = await startServer(cleanup, { role: 'control' });
  const rows = Array.from({ length: 200 }, (_, i) => {
    const date = new Date(Date.UTC(2001, 0, 1, i)).toISOString();
    return `r${i},${date},${(i * 37) % 11},${i % 3 === 0 ? 1 : 0}`;
  });
  await writeFile(join(folder, 'rows.csv'), ['id,date,x,late', ...rows].join('\n'));
  await writeFile(join(folder, 'train.py'), 'import helper\n');
  await writeFile(join(folder, 'helper.py'), '');
  // Each test file has its own process.
  process.chdir(folder);
});

after(async () => {
  process.chdir(root);
  for (const cleanup of cleanups) await cleanup();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a command, in the folder of the test. */
const millrace = (...words: readonly string[]): Promise<Ended> => runCommand(server.url, words);

async function done(...args: readonly string[]): Promise<string> {
  const { code, out, err } = await millrace(...args);
  assert.equal(code, 0, `millrace ${args.join(' ')}: ${err}`);
  assert.equal(err, '');
  return out;
}

async function refused(code: number, pattern: RegExp, ...args: readonly string[]): Promise<void> {
  const ended = await millrace(...args);
  assert.equal(ended.code, code, ended.out + ended.err);
  assert.match(ended.err, pattern);
  assert.equal(ended.out, '');
}

test('main.ts hands commands over, with their exit code and streams', async () => {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(root, '.cache/node') };
  const run = (...args: readonly string[]): Promise<Ended> =>
    new Promise((resolve) => {
      const words = ['--disable-warning=ExperimentalWarning', main, ...args];
      execFile(process.execPath, words, { env, timeout: 120_000 }, (error, out, err) =>
        resolve({ code: error ? Number(error.code ?? -1) : 0, out, err }),
      );
    });
  const [help, role, wrong] = await Promise.all([run(), run('up', '--help'), run('turns', '--limt', '5')]);
  assert.match(help.out, /^Millrace carries/);
  assert.match(role.out, /^millrace up: start control/);
  assert.equal(wrong.code, 2);
  assert.equal(wrong.out, '');
  assert.match(wrong.err, /--limt is no option of "turns"; did you mean --limit\?/);
});

test('an answer that cannot be written is a failure', { skip: !existsSync('/dev/full') }, async () => {
  const command = `"${process.execPath}" --disable-warning=ExperimentalWarning "${main}" version >/dev/full`;
  const { code, err } = await new Promise<Ended>((resolve) => {
    execFile('sh', ['-c', command], (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    );
  });
  assert.equal(code, 1);
  assert.match(err, /^the answer could not be written: ENOSPC/);
});

test('help and version need no server', async () => {
  const help = await done('help');
  for (const word of [
    'up',
    'apply <loop.yaml>',
    'dataset register',
    'card <model> <version>',
    'import mlflow <uri>',
    'export <directory>',
    'Exit codes',
  ]) {
    assert.ok(help.includes(word), word);
  }
  for (const words of [
    ['help', 'rollout'],
    ['rollout', '--help'],
  ]) {
    const group = await done(...words);
    assert.match(group, /^millrace rollout has these commands:\n\n {2}rollout list .*\n {2}rollout start /);
  }
  assert.equal(await done(), help);
  const serve = await done('help', 'serve');
  assert.match(serve, /--serve-port +port of serve \(7601\)\n/);
  assert.doesNotMatch(serve, /--webhook|--database-url|--worker /, 'settings of the other roles are not its');
  for (const role of ['up', 'control', 'serve', 'work', 'move']) {
    const long = (await done('help', role)).split('\n').filter((line) => line.length > 80);
    assert.deepEqual(long, [], `lines of "help ${role}" fit a terminal`);
  }
  assert.match(await done('dataset', 'register', '--help'), /--name <name>\s+the dataset/);
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  assert.equal(await done('version'), `millrace ${version}\n`);
  assert.deepEqual(JSON.parse(await done('version', '--json')), { version });
});

test('a call that is written wrong ends with 2 and says what was meant', async () => {
  await refused(2, /"aply" is not a command; did you mean "millrace apply"\?\nHelp: millrace help/, 'aply');
  await refused(2, /"replay" is not a command; there is "millrace predictions replay"/, 'replay');
  await refused(2, /there is "millrace dataset register"/, 'dataset', 'rm');
  await refused(2, /"--json" is not a command; options stand behind the command/, '--json', 'loops');
  await refused(2, /--reason is missing[\s\S]*Try: millrace pause/, 'pause', 'late');
  const start = ['rollout', 'start', 'late'];
  await refused(2, /"x" is not a number \(--steps/, ...start, '2', '--steps', '1,x', '--reason', 'test');
  await refused(2, /"two" is not a number \(<version>\)/, ...start, 'two', '--reason', 'test');
  await refused(2, /--limit 0 is not a number/, 'turns', '--limit', '0');
  await refused(2, /is not an http:\/\/ URL/, 'loops', '--url', 'localhost:7600');
  const { port } = new URL(server.url);
  assert.equal(
    (await runCommand({ MILLRACE_PORT: port }, ['loops'])).code,
    0,
    'control on a port of its own',
  );
  await refused(
    2,
    /"x" is not the number of a version\nTry: millrace promote .*\nHelp: millrace help promote\n/,
    'promote',
    'late',
    'x',
    '--reason',
    'y',
  );
});

test('a server that does not answer is named, with the next step', async () => {
  const pattern = /control at http:\/\/127\.0\.0\.1:9 does not answer: .+\nNext: Start it with "millrace up"/;
  await refused(1, pattern, 'loops', '--url', 'http://127.0.0.1:9');
  const plain = server.url.replace('http:', 'https:');
  await refused(
    1,
    /does not answer: it speaks no TLS there, so its address begins with http:/,
    'loops',
    '--url',
    plain,
  );
  const other = createServer((request, response) => {
    response.statusCode = request.url?.includes('loops') ? 404 : 200;
    response.end(request.url?.includes('turns') ? '<html>' : '{"error":"no such route"}');
  }).listen(0, '127.0.0.1');
  await once(other, 'listening');
  cleanups.push(() => void other.close());
  const url = `http://127.0.0.1:${(other.address() as AddressInfo).port}`;
  const foreign =
    /loops\S* answered 404, not as control does: {"error":"no such route"}\nNext: Check that control/;
  await refused(1, foreign, 'loops', '--url', url);
  await refused(
    1,
    /a form that this millrace does not know \(no JSON: <html>\)\nNext: /,
    'turns',
    '--url',
    url,
  );
  await writeFile(join(folder, 'other.csv'), 'id,label,time\np1,1,2001-01-01T00:00:00Z');
  const otherVersion = /a form that this millrace does not know \(id: .+\)\nNext: .*the same version/;
  await refused(1, otherVersion, 'labels', 'late', 'other.csv', '--url', url);
});

test('an empty server says what to type', async () => {
  assert.match(await done('loops'), /millrace apply loop\.yaml/);
  assert.match(await done('datasets'), /millrace dataset register/);
  assert.match(await done('models'), /No model is registered/);
  assert.match(await done('endpoints'), /millrace apply/);
  assert.match(await done('turns'), /No turn yet/);
  assert.match(await done('steps'), /No step has run yet/);
  assert.match(await done('status'), /^Millrace \S+ at http:.* up for .*\n.*\(sqlite\)\.\nJobs: none so far/);
  assert.deepEqual(JSON.parse(await done('loops', '--json')), { items: [], next: null });
});

test('replicas are listed with what is wrong, and forgotten', async () => {
  assert.match(await done('replicas'), /No replica yet: start one with "millrace serve"/);
  const status = {
    routesVersion: 1,
    models: [],
    segmentsWaiting: 2,
    segmentsDamaged: 1,
    shadowDropped: 0,
    endpoints: [{ endpoint: 'churn', routeVersion: 0, error: 'the graph is cut off' }],
    clockMs: Date.now() + 30_000,
  };
  const body = JSON.stringify(status);
  const headers = { 'content-type': 'application/json' };
  const told = await fetch(`${server.url}/api/v1/replicas/gpu/status`, { method: 'POST', headers, body });
  assert.equal(told.status, 204);
  assert.match(
    await done('replicas'),
    /gpu +away, seen just now +– +1 +2 +churn: the graph is cut off; 1 damaged part of its log; its clock is \S+ \S+.* ahead/,
  );
  assert.match(await done('replicas', 'forget', 'gpu', '--reason', 'sold'), /gpu is forgotten/);
  const forget = ['replicas', 'forget', 'gpu', '--reason', 'sold'];
  await refused(1, /list what exists with "millrace replicas"/, ...forget);
});

test('endpoints are listed with their environments, where there are any', async () => {
  const make = async (name: string, options: object) => {
    const body = JSON.stringify({ name, model: 'churn', options });
    const headers = { 'content-type': 'application/json' };
    const made = await fetch(`${server.url}/api/v1/endpoints`, { method: 'POST', headers, body });
    assert.equal(made.status, 200);
  };
  await make('churn', {});
  assert.match(await done('endpoints'), /^endpoint +model +traffic/);
  await make('churn-staging', { environment: 'staging' });
  const listed = await done('endpoints');
  assert.match(listed, /^endpoint +model +environment +traffic/);
  assert.match(listed, /\nchurn-staging +churn +staging +no model deployed/);
  assert.match(listed, /\nchurn +churn +– +no model deployed/);
});

test('a loop file goes in force with its data and code; the same again changes nothing', async () => {
  await writeFile(
    join(folder, 'loop.yaml'),
    loopFile.replace('min: 0.6', 'mn: 0.6').replace('label:', 'lable:'),
  );
  const wrong = await millrace('apply', 'loop.yaml');
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /^loop\.yaml:6: data\.lable: unknown key; did you mean "label"\?$/m);
  assert.match(wrong.err, /^Next: Correct the named lines/m);
  assert.match(await done('datasets'), /No dataset yet/, 'nothing is registered for a file that is refused');

  await writeFile(join(folder, 'loop.yaml'), loopFile);
  const created = await done('apply', 'loop.yaml');
  assert.match(created, /^Loop late is created\.\nCode: helper\.py, train\.py \(2 files\)\./);
  assert.match(await done('datasets', 'late'), /^version +rows[\s\S]*\n +1 +200 /);
  await refused(1, /dataset "nope" does not exist[\s\S]*millrace datasets/, 'datasets', 'nope');
  assert.match(await done('apply', 'loop.yaml'), /^Loop late is unchanged; version 1/);

  await writeFile(join(folder, 'loop.yaml'), loopFile.replace('0.6', '0.65'));
  const changed = await done('apply', 'loop.yaml');
  assert.match(changed, /version 2 of its file is in force\.\n {2}- .*min: 0\.6 }\n {2}\+ .*min: 0\.65 }\n/);
  await writeFile(join(folder, 'helper.py'), 'x = 1\n');
  assert.match(await done('apply', 'loop.yaml'), /version 3.*\nThe file is the same; code or data changed\./);

  await writeFile(join(folder, 'broken.yaml'), loopFile.replace('rows.csv', 'nowhere.csv'));
  await refused(1, /nowhere\.csv cannot be read: it does not exist\nNext: /, 'apply', 'broken.yaml');
  await refused(1, /none\.yaml cannot be read: it does not exist/, 'apply', 'none.yaml');
});

test('turns are shown, decided and named by their loop', async () => {
  assert.match(await done('loops'), /^loop +state +champion +turn/);
  assert.match(await done('status', 'late'), /^loop +late, active\nfile +version 3, applied .* by user:/);
  assert.match(await done('turns', 'late'), /\nlate\/1 +(preparing|training) +first /);
  assert.match(await done('turn', 'late/1'), /What happened\n/);
  await refused(
    1,
    /turn \S+ is \w+; approve needs a turn that waits for a decision\nNext: /,
    'approve',
    'late',
    '--reason',
    'x',
  );
  assert.match(await done('pause', 'late', '--reason', 'a look'), /^Loop late is paused/);
  assert.match(await done('resume', 'late', '--reason', 'seen'), /^Loop late is active/);
  assert.match(
    await done('abort', 'late/1', '--reason', 'enough'),
    /^Turn late\/1 is aborted\. It is cancelled/,
  );
  const asked = await done('trigger', 'late', '--param', 'C=0.1', '--dataset', 'late@1', '--reason', 'again');
  assert.match(asked, /^A turn of late is asked for; /);
  while (!/^late\/2 /m.test(await done('turns'))) await sleep(20);
  const turn = JSON.parse(await done('turn', 'late', '--json')) as {
    trigger: { overrides: { params: unknown } };
  };
  assert.deepEqual(turn.trigger.overrides.params, { C: 0.1 });
  await refused(
    1,
    /dataset version "late@9" does not exist/,
    'trigger',
    'late',
    '--dataset',
    'late@9',
    '--reason',
    'x',
  );
  await refused(1, /loop "never" does not exist\nNext: .*"millrace loops"/, 'status', 'never');
  assert.match(await done('steps', 'late/1'), /prepare-data +late\/1/);
  assert.match(await done('jobs', '--limit', '1'), /^kind +status/);
  assert.equal(typeof (await done('logs', 'late/1')), 'string');
});

test('a dataset is registered with its roles, or refused with the nearest column', async () => {
  const words = ['dataset', 'register', 'rows.csv', '--name', 'rows', '--time', 'date', '--label'];
  const text = await done(...words, 'late');
  assert.match(text, /^Dataset rows version 1 is registered: 200 rows, 4 columns, from 2001-01-01 00:00 to /);
  assert.match(text, /\nlate +integer +0 +2 +label/);
  assert.match(await done(...words, 'late'), /was registered before/);
  assert.match(await done(...words, 'late', '--upload'), /was registered before/, 'the same bytes, sent');
  await refused(1, /label: dataset "rows" has no column "lat".*did you mean "late"/i, ...words, 'lat');
});

test('labels come from CSV and are counted', async () => {
  const labels = ['id,label,time', 'p1,1,2001-01-01T00:00:00Z', '"p2",true,978307200000'];
  await writeFile(join(folder, 'labels.csv'), labels.join('\n'));
  assert.equal(await done('labels', 'late', 'labels.csv'), '2 labels of late taken, 0 refused.\n');
  assert.match(await done('labels', 'late'), /orphans +2\n/);
  await writeFile(join(folder, 'bad.csv'), [...labels, 'p3,0,soon'].join('\n'));
  const bad = await millrace('labels', 'late', 'bad.csv');
  assert.equal(bad.code, 1);
  assert.match(
    bad.out,
    /^2 labels of late taken, 1 refused\.\nbad\.csv:4: event_time is "soon"; expected a time/,
  );
  assert.match(
    (await millrace('labels', 'late', 'bad.csv')).out,
    /^2 labels of late taken, 1 refused\.\nThe file was sent before: 1 row tried again now, 0 of them taken\.\nbad/,
  );
  await writeFile(join(folder, 'odd.csv'), 'id;a,label,time\np1;2,1,2001-01-01\n');
  assert.match((await millrace('labels', 'late', 'odd.csv')).out, /by comma or by semicolon: say which/);
  const named = await millrace('labels', 'late', 'odd.csv', '--delimiter', 'semicolon');
  assert.match(named.out, /no column value; the columns are id, a,label,time/);
  await refused(1, /endpoint "never" does not exist/, 'labels', 'never', 'labels.csv');
  await refused(1, /endpoint "never" does not exist\nNext: /, 'labels', 'never');
});

test('windows and alerts of an endpoint', async () => {
  assert.equal(await done('windows', 'late'), 'No window of late is closed yet.\n');
  assert.equal(await done('alerts'), 'No alert is open.\n');
  assert.deepEqual(JSON.parse(await done('alerts', 'late', '--all', '--json')), { items: [], next: null });
  await refused(1, /endpoint "never" does not exist/, 'windows', 'never');
  await refused(1, /endpoint "never" does not exist/, 'alerts', 'never');
  const replay = ['predictions', 'replay', 'late', '--version', '1', '--from', 'soon', '--to', '2001-01-02'];
  await refused(1, /--from/, ...replay);
  await refused(1, /alert "never" does not exist/, 'acknowledge', 'never', '--reason', 'x');
});

test('models, cards and the audit trail', async () => {
  for (const [path, body] of [
    ['registered-models/create', { name: 'churn' }],
    ['model-versions/create', { name: 'churn', source: 's3://somewhere/model' }],
  ] as const) {
    const response = await fetch(`${server.url}/api/2.0/mlflow/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(response.status, 200, await response.text());
  }
  assert.match(await done('models', 'churn'), /^version +aliases[\s\S]*\n +1 /);
  assert.match(await done('models'), /\nchurn +– +– +– +1 /);
  await refused(1, /version 1 of churn has no package/, 'promote', 'churn', '1', '--reason', 'x');
  await refused(1, /churn has no previous champion/, 'rollback', 'churn', '--reason', 'x');
  const card = await done('card', 'churn', '1');
  assert.match(card, /^# churn, version 1\n/);
  assert.match(
    card,
    /Not recorded: package digest, training data, training run, signature, evaluation, gates/,
  );
  assert.equal((JSON.parse(await done('card', 'churn', '1', '--json')) as { model: string }).model, 'churn');
  await refused(1, /Model Version \(name=churn, version=7\) not found/, 'card', 'churn', '7');

  const trail = await done('audit', '--kind', 'loop', '--from', '1h');
  assert.match(trail, /\n.* +user:\S+ +loop:pause +loop late +a look\n/);
  assert.match(await done('audit', '--text', 'A LOOK', '--limit', '1'), /loop:pause/);
  assert.match(await done('audit', '--actor', 'nobody'), /^No entry fits\.\n$/);
  await refused(1, /--from: "soon" is neither a time nor how long ago/, 'audit', '--from', 'soon');
});

test('runs are found, ordered and shown as a table or as CSV', async () => {
  const mlflow = async <T>(path: string, body: object): Promise<T> => {
    const headers = { 'content-type': 'application/json' };
    const url = `${server.url}/api/2.0/mlflow/${path}`;
    return (await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })).json() as Promise<T>;
  };
  const { experiment_id } = await mlflow<{ experiment_id: string }>('experiments/create', { name: "it's" });
  for (const [i, name] of ['one', 'two, too'].entries()) {
    const { run } = await mlflow<{ run: { info: { run_id: string } } }>('runs/create', {
      experiment_id,
      run_name: name,
      start_time: 1000 + i,
    });
    const run_id = run.info.run_id;
    const metrics = [0, 1].map((step) => ({ key: 'loss', value: 3 - i - step / 2, timestamp: 1, step }));
    await mlflow('runs/log-batch', { run_id, metrics, params: [{ key: 'lr', value: `0.${i}` }] });
    await mlflow('runs/update', { run_id, status: 'FINISHED', end_time: 61_000 + i });
  }
  const words = ['runs', "it's", '--order', 'metrics.loss'];
  assert.match(
    await done(...words, '--filter', 'params.lr < 1 AND duration = 60'),
    /^name +status +start_time +duration +metrics\.loss\ntwo, too +FINISHED +1970-01-01 +1 min +1\.5\none +FINISHED/,
  );
  assert.equal(
    await done(...words, '--csv', '--columns', 'name, metrics.loss.max, params.lr, tags.none, end_time'),
    'name,metrics.loss.max,params.lr,tags.none,end_time\n"two, too",2,0.1,,1970-01-01T00:01:01.001Z\none,3,0.0,,1970-01-01T00:01:01.000Z\n',
  );
  const listed = JSON.parse(await done(...words, '--json', '--columns', 'params.lr', '--limit', '1'));
  assert.deepEqual([listed.items[0].params, listed.items[0].metrics], [{ lr: '0.1' }, {}]);
  await refused(
    1,
    /Unknown field "naem" at character 1; expected name\nnaem = 'x'\n\^\^\^\^\n/,
    'runs',
    '--filter',
    "naem = 'x'",
  );
  await refused(2, /runs have no "statu"; did you mean "status"\?/, 'runs', '--columns', 'statu');
  await refused(1, /Could not find experiment with name 'nope'/, 'runs', 'nope');
});

test('what is deleted is listed, and goes for good when somebody asks', async () => {
  const send = async (method: string, path: string, body?: object): Promise<string> => {
    const headers = { 'content-type': 'application/json' };
    const init = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
    return (await fetch(server.url + path, init)).text();
  };
  assert.match(await done('trash'), /^Nothing is deleted\.\n$/);
  const made = await send('POST', '/api/2.0/mlflow/experiments/create', { name: 'to throw away' });
  const { experiment_id: id } = JSON.parse(made) as { experiment_id: string };
  await send('POST', '/api/2.0/mlflow/runs/create', { experiment_id: id, start_time: 1 });
  assert.match(await done('gc', '--dry-run'), /^Would go for good:\n {2}0 experiments\n {2}0 runs\n/);
  await send('DELETE', `/api/v1/experiments/${id}`);
  assert.match(await done('trash'), /\nexperiment +\d+ +to throw away +\d+ .* user:\S+ /);
  assert.match(await done('gc', '--older-than', '0', '--dry-run'), /\n {2}1 experiment\n {2}1 run\n/);
  assert.match(
    await done('gc', '--older-than', '0', '--experiment-ids', `${id}, 99999`),
    /^Gone for good:\n {2}1 experiment\n {2}1 run\n/,
  );
  assert.match(await done('trash'), /^Nothing is deleted\.\n$/);
  await refused(1, /olderThan/, 'gc', '--older-than', 'soon');
});
