import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { Agent, type ClientRequest, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { defaultArmGuard } from '../../src/lifecycle/serving/index.ts';
import { logisticOnnx, logisticPackage } from '../../src/platform/onnx/testing.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startTestControl, storePackage } from '../support/serving.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const models = fileURLToPath(new URL('../../examples/models', import.meta.url));
const row = Array.from({ length: 16 }, (_, i) => i);
const tensor = (name: string) => ({ name, shape: [1, 16], datatype: 'INT32', data: row });
const body = JSON.stringify({ inputs: [tensor('INPUT0'), tensor('INPUT1')] });

interface Answer {
  readonly status: number;
  readonly text: string;
  /** The server ends the connection: it is going away. */
  readonly last: boolean;
}

interface Asked {
  readonly text?: string;
  readonly agent?: Agent;
  readonly key?: string;
}

/** One request on a connection of its own, or of an agent. */
function ask(
  server: TestServer,
  method: string,
  path: string,
  { text = '', agent, key }: Asked = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = key === undefined ? {} : { 'x-api-key': key };
    const sent = request(
      server.serveUrl + path,
      { method, headers, ...(agent ? { agent } : { agent: false }) },
      (response) => {
        let received = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          received += part;
        });
        response.once('end', () => {
          const last = response.headers.connection === 'close';
          resolve({ status: response.statusCode ?? 0, text: received, last });
        });
        response.once('error', reject);
      },
    );
    sent.once('error', reject);
    sent.end(text);
  });
}

const infer = (server: TestServer, agent?: Agent) =>
  ask(server, 'POST', '/v2/models/simple/infer', { text: body, ...(agent ? { agent } : {}) });

async function start(
  t: TestContext,
  workers: number,
  repository = models,
  keys?: string,
): Promise<TestServer> {
  const env = {
    MILLRACE_REPOSITORY: repository,
    MILLRACE_SERVE_WORKERS: String(workers),
    MILLRACE_REPOSITORY_POLL: '0',
    ...(keys === undefined ? {} : { MILLRACE_SERVE_KEYS: keys }),
  };
  return startServer(t, { role: 'serve', env });
}

/** The example models with options of their own, and a file of keys, made as people make them. */
async function guardedModels(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-workers-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const repository = join(directory, 'models');
  await cp(models, repository, { recursive: true });
  const options = {
    simple: { requireKey: false },
    simple_string: { requireKey: false, limits: { requestsPerSecond: 0.2 } },
    simple_identity: { limits: { concurrentRequests: 3 } },
  };
  for (const [model, given] of Object.entries(options)) {
    const parameter = `parameters { key: "millrace.options" value { string_value: '${JSON.stringify(given)}' } }`;
    await writeFile(join(repository, model, 'config.pbtxt'), parameter);
  }
  const keys = join(directory, 'keys.json');
  const make = (name: string, ...words: string[]) =>
    execFileSync(
      process.execPath,
      [
        '--disable-warning=ExperimentalWarning',
        main,
        'keys',
        'create',
        name,
        '--file',
        keys,
        '--reason',
        'test',
        ...words,
      ],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    ).trim();
  const user = make('user', '--endpoint', 'simple_identity', '--expires', '1h');
  const keeper = make('keeper', '--all', '--manage');
  return { repository, keys, user, keeper };
}

function workerPids(server: TestServer): number[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const pairs = lines.map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.filter(([, parent]) => parent === server.pid).map(([pid]) => pid as number);
}

test('several processes answer on one port as one: counts, repository, readiness, restart', async (t) => {
  const { repository, keys, user, keeper } = await guardedModels(t);
  const server = await start(t, 2, repository, keys);
  const logs = ['', 'workers/1/'].map((part) => join(server.dataDirectory, 'serve', part, 'log/simple'));
  const written = async () => Promise.all(logs.map(async (path) => (await readdir(path)).length));
  // Whichever is free takes a connection, so it takes some until each of them had one.
  let asked = 0;
  for (; (await written()).includes(0); asked += 20) {
    const answers = await Promise.all(Array.from({ length: 20 }, () => infer(server)));
    assert.deepEqual([...new Set(answers.map((a) => a.status))], [200]);
  }

  const successes = async () => {
    const stats = JSON.parse((await ask(server, 'GET', '/v2/models/simple/stats')).text);
    assert.equal(stats.model_stats.length, 1);
    return stats.model_stats[0].inference_stats.success.count;
  };
  assert.equal(await successes(), asked);
  const seen = async (options: { key?: string }) => {
    const { text } = await ask(server, 'GET', '/v2/models/stats', options);
    return (JSON.parse(text) as { model_stats: { name: string }[] }).model_stats.map((s) => s.name).sort();
  };
  assert.deepEqual(await seen({}), ['simple', 'simple_string']);
  assert.deepEqual(await seen({ key: user }), ['simple', 'simple_identity', 'simple_string']);
  const counted = async () => {
    const { text } = await ask(server, 'GET', '/metrics');
    const predictions = /^millrace_predictions_total\{.*endpoint="simple".*status="ok".*\} (\d+)$/m.exec(
      text,
    );
    return Number(predictions?.[1]);
  };
  assert.equal(await counted(), asked);

  await limitsOfAll(server, user);
  const unload = async (key?: string) =>
    (await ask(server, 'POST', '/v2/repository/models/simple/unload', key === undefined ? {} : { key }))
      .status;
  assert.deepEqual([await unload(), await unload(user), await unload(keeper)], [401, 403, 200]);
  const gone = async () => {
    const statuses = await Promise.all(Array.from({ length: 12 }, async () => (await infer(server)).status));
    assert.deepEqual([...new Set(statuses)], [404]);
    const index = async (options: { key?: string } = {}) => {
      const { text } = await ask(server, 'POST', '/v2/repository/index', options);
      return (JSON.parse(text) as object[]).map((entry) => Object.values(entry).join(' ').trim());
    };
    const [unloaded, guarded, open] = [
      'simple UNAVAILABLE unloaded 1',
      'simple_identity READY  1',
      'simple_string READY  1',
    ];
    assert.deepEqual(await index({ key: keeper }), [unloaded, guarded, open]);
    assert.deepEqual(await index({ key: user }), [guarded, open]);
    assert.deepEqual(await index(), [open]);
  };
  await gone();

  // A process that is killed takes what it was answering with it; the others go on, and its successor is told.
  const [victim] = workerPids(server);
  process.kill(victim as number, 'SIGKILL');
  await replaced(server, victim as number);
  await gone();
  assert.equal(await counted(), asked, 'what it had counted stays in the sum');
  assert.equal((await ask(server, 'POST', '/v2/repository/models/simple/load', { key: keeper })).status, 200);
  assert.equal(await successes(), asked, 'also in statistics');
  await portsReleased(server);
});

/** Of processes that are told to stop, those that listen hold the ports: each is closed by the last that takes what waits. */
async function portsReleased(server: TestServer): Promise<void> {
  const listening = () => {
    const lines = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
    const sockets = lines.map((line) => line.trim().split(/\s+/)).filter(([, , , state]) => state === '0A');
    return new Set(sockets.map((fields) => `socket:[${fields[9]}]`));
  };
  const held = (pid: number) => {
    const files = readdirSync(`/proc/${pid}/fd`).map((file) => readlinkSync(`/proc/${pid}/fd/${file}`));
    return files.filter((file) => listening().has(file)).length;
  };
  const pids = workerPids(server);
  if (existsSync('/proc/net/tcp')) assert.equal(held(server.pid), 1);
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  const stopped = server.stop();
  if (existsSync('/proc/net/tcp')) while (held(server.pid) > 0) await sleep(5);
  for (const pid of pids) process.kill(pid, 'SIGCONT');
  assert.equal((await stopped).code, 0);
}

/** Waits until there are two processes again, without the one that was killed, and both are ready. */
async function replaced(server: TestServer, victim: number): Promise<void> {
  for (let pids: readonly number[] = []; pids.length !== 2 || pids.includes(victim); await sleep(10)) {
    pids = workerPids(server);
  }
  await server.waitUntilReady();
}

/** Limits hold for the processes together, whichever of them takes a connection. */
async function limitsOfAll(server: TestServer, key: string): Promise<void> {
  const startedMs = performance.now();
  const often = await Promise.all(
    Array.from({ length: 12 }, () => ask(server, 'POST', '/v2/models/simple_string/infer', { text: '{}' })),
  );
  const taken = often.filter(({ status }) => status !== 429).length;
  const most = 1 + (0.2 * (performance.now() - startedMs)) / 1000;
  assert.ok(taken >= 1 && taken <= most, `${taken} of 12, ${most} may`);

  const path = '/v2/models/simple_identity/infer';
  assert.equal((await ask(server, 'POST', path, { text: '{}' })).status, 401);
  // Requests whose bodies do not come: what is let in stays under way.
  let refused = 0;
  let wrong = 0;
  const open: ClientRequest[] = Array.from({ length: 8 }, () => {
    const headers = { 'x-api-key': key, 'content-length': 2 };
    const sent = request(server.serveUrl + path, { method: 'POST', agent: false, headers }, (response) => {
      if (response.statusCode === 429) refused++;
      else if (response.statusCode === 400) wrong++;
      response.resume();
    });
    sent.on('error', () => undefined);
    sent.flushHeaders();
    return sent;
  });
  while (refused < 5) await sleep(5);
  assert.equal((await ask(server, 'POST', path, { text: '{}', key })).status, 429);
  for (const sent of open) sent.end('{}');
  while (wrong < 3) await sleep(5);
  assert.deepEqual([refused, wrong], [5, 3]);
  while ((await ask(server, 'POST', path, { text: '{}', key })).status === 429) await sleep(5);
}

test('an arm that fails loses its traffic in all processes, also with control away and in one that starts later', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-guard-'));
  t.after(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  const control = await startTestControl(directory);
  t.after(() => control.stop());
  const { service, blobs } = control;
  const env = { MILLRACE_SERVE_WORKERS: '2' };
  const server = await startServer(t, { role: 'serve', controlUrl: control.url, env });
  const actor = { kind: 'user', id: 'ada' } as const;
  // Of x1 = 0 a weight that is infinite makes NaN, which fails the request.
  const target = async (modelVersion: string, weight: number) => ({
    modelVersion,
    packageDigest: await storePackage(blobs, logisticOnnx(weight), logisticPackage()),
  });
  await service.declare(actor, { name: 'delay', model: 'delay' });
  await service.deploy(actor, 'delay', await target('1', 1), 'first');
  const guard = { ...defaultArmGuard, allowNonFinite: true };
  const arm = { arm: 'b', ...(await target('2', Number.POSITIVE_INFINITY)), weight: 0.5, guard };
  const { routeVersion } = await service.split(actor, 'delay', [arm], 'try');
  await service.settled('delay', routeVersion, { timeoutMs: 120_000 });
  await control.stop();

  const inputs = ['x1', 'x2'].map((name) => ({ name, datatype: 'FP64', shape: [1, 1], data: [0] }));
  const text = JSON.stringify({ inputs });
  const status = async () => (await ask(server, 'POST', '/v2/models/delay/infer', { text })).status;
  const failuresOf = async (count: number) =>
    (await Promise.all(Array.from({ length: count }, status))).filter((code) => code !== 200).length;
  // Three failures of three are too many; two processes on their own would see six of them.
  let failures = 0;
  for (let calm = 0; calm < 25; ) {
    if ((await status()) === 200) calm++;
    else {
      calm = 0;
      failures++;
      // Time to tell the others, also where a busy machine lets none of them run for a while.
      await sleep(500);
    }
  }
  assert.ok(failures >= 3 && failures < 6, `${failures} failures`);
  assert.equal(await failuresOf(40), 0);
  const [victim] = workerPids(server);
  process.kill(victim as number, 'SIGKILL');
  await replaced(server, victim as number);
  assert.equal(await failuresOf(60), 0);
  // Nor does it get its traffic back by a restart of them all.
  await server.stop();
  await server.start();
  assert.equal(await failuresOf(60), 0);
});

for (const workers of [1, 2]) {
  test(`no request fails when ${workers} processes are told to stop under load`, async (t) => {
    const server = await start(t, workers);
    const agents = Array.from({ length: 16 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    const failures: string[] = [];
    let answered = 0;
    // A caller goes elsewhere when it is told that its connection ends, as a balancer does.
    const caller = async (agent: Agent) => {
      for (let last = false; !last; ) {
        try {
          const answer = await infer(server, agent);
          if (answer.status !== 200) failures.push(`status ${answer.status}`);
          last = answer.last;
          answered++;
        } catch (error) {
          failures.push(`${(error as NodeJS.ErrnoException).code} ${(error as Error).message}`);
          return;
        }
        // Some connections are in use without a pause, others idle between requests.
        if (agents.indexOf(agent) % 2) await sleep(3);
      }
    };
    // Others are on a new connection each time, also to a server that ends, until there is none to connect to.
    const newcomer = async () => {
      for (let refused = false; !refused; ) {
        try {
          const { status } = await infer(server);
          if (status !== 200) failures.push(`status ${status}`);
          answered++;
        } catch (error) {
          refused = (error as NodeJS.ErrnoException).code === 'ECONNREFUSED';
          if (!refused) failures.push(`${(error as NodeJS.ErrnoException).code} of a new connection`);
        }
      }
    };
    const callers = Promise.all([...agents.map(caller), ...agents.map(newcomer)]);
    while (answered < 200) await sleep(5);
    const stopped = await server.stop();
    await callers;
    for (const agent of agents) agent.destroy();
    assert.deepEqual(failures, []);
    assert.equal(stopped.code, 0);
  });
}
