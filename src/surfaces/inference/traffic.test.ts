import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startTestControl, startTestServing, storePackage } from '../../../test/support/serving.ts';
import { logisticOnnx, logisticPackage } from '../../platform/onnx/testing.ts';

const actor = { kind: 'user', id: 'ada' } as const;
/** So often control and replicas hear of each other without being told anything; what is told comes sooner. */
const heartbeatMs = 5000;
const path = '/v2/models/delay/infer';
const body = (x1: number, entity?: string) => ({
  inputs: [x1, 0].map((x, i) => ({ name: `x${i + 1}`, datatype: 'FP64', shape: [1, 1], data: [x] })),
  ...(entity ? { parameters: { entity } } : {}),
});

async function setUp(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-traffic-'));
  const control = await startTestControl(directory);
  const serving = await startTestServing(t, { controlUrl: control.url, directory: join(directory, 'serve') });
  t.after(async () => {
    await serving.stop();
    await control.stop();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  /** A logistic model; a weight that is infinite gives NaN where x1 is 0. */
  const target = async (version: number, weight = version) => ({
    modelVersion: String(version),
    packageDigest: await storePackage(control.blobs, logisticOnnx(weight), logisticPackage()),
  });
  const { service } = control;
  await service.declare(actor, { name: 'delay', model: 'delay-model' });
  await service.deploy(actor, 'delay', await target(1), 'first');
  const settled = ({ routeVersion }: { readonly routeVersion: number }) =>
    service.settled('delay', routeVersion, { timeoutMs: 60_000 });
  const versionOf = async (entity?: string, headers?: Record<string, string>) =>
    (await serving.post(path, body(1, entity), headers)).json.model_version;
  return { control, service, serving, target, settled, versionOf };
}

test('A/B/n: entities keep their arm, arms have their shares, the log has salt and propensity', async (t) => {
  const { control, service, target, settled, versionOf } = await setUp(t);
  const [b, c] = [await target(2), await target(3)];
  const arms = [
    { arm: 'b', ...b, weight: 0.3 },
    { arm: 'c', ...c, weight: 0.2 },
  ];
  const split = await service.split(actor, 'delay', arms, 'three at once');
  await settled(split);
  const chosen = new Map<string, unknown>();
  for (let i = 0; i < 300; i++) chosen.set(`f${i}`, await versionOf(`f${i}`));
  for (let i = 0; i < 300; i += 10) assert.equal(await versionOf(`f${i}`), chosen.get(`f${i}`));
  const share = (version: string) => [...chosen.values()].filter((v) => v === version).length / 300;
  assert.ok(
    Math.abs(share('1') - 0.5) < 0.1 && Math.abs(share('2') - 0.3) < 0.1,
    `${share('1')} ${share('2')}`,
  );

  const wider = await service.setWeights(actor, 'delay', { c: 0.4 }, 'c looks well');
  assert.equal(wider.salt, split.salt);
  await settled(wider);
  for (const [entity, version] of chosen) {
    if (version === '3') assert.equal(await versionOf(entity), '3');
    if (version === '2') assert.equal(await versionOf(entity), '2');
  }
  await service.sealPredictions(60_000);
  const rows = await control.rows('delay');
  for (const row of rows) {
    const weight = { champion: [0.5, 0.3], b: [0.3, 0.3], c: [0.2, 0.4] }[row.arm as string];
    assert.equal(row.propensity, weight?.[Number(row.route_version) === split.routeVersion ? 0 : 1]);
    assert.equal(row.salt, split.salt);
    assert.equal(row.override, null);
  }
  await assert.rejects(service.setWeights(actor, 'delay', { b: 0.7 }, 'too much'), { code: 'conflict' });
  await assert.rejects(service.setWeights(actor, 'delay', { d: 0.1 }, 'who'), { code: 'endpoint_no_arm' });
});

test('a tester chooses the arm with a token; the rows are overrides; other tokens are refused', async (t) => {
  const { control, service, serving, target, settled, versionOf } = await setUp(t);
  await service.challenge(actor, 'delay', await target(2), 0, 'only testers');
  const told = { arm: 'challenger', ttlMs: 60_000, reason: 'try it' };
  const { header, token } = await service.createOverrideToken(actor, 'delay', told);
  const endpoint = await service.endpoint(actor, 'delay');
  assert.ok(!JSON.stringify(endpoint).includes('overrideKey'));
  await settled(endpoint);
  assert.equal(await versionOf('a', { [header]: token }), '2');
  assert.equal(await versionOf('a'), '1');
  const refused = await serving.post(path, body(1), { [header]: 'challenger' });
  assert.equal(refused.status, 403);
  await service.sealPredictions(60_000);
  const rows = await control.rows('delay');
  const forced = rows.filter((r) => r.override === 'arm');
  assert.equal(forced.length, 1);
  assert.deepEqual([forced[0]?.arm, forced[0]?.bucket, forced[0]?.propensity], ['challenger', null, null]);
});

test('blue/green: switching is there and back again, each in one change without a failed request', async (t) => {
  const { service, serving, target, settled, versionOf } = await setUp(t);
  await settled(await service.standby(actor, 'delay', await target(2), 'green'));
  assert.equal(await versionOf(), '1');
  let stop = false;
  const statuses = new Set<number>();
  const load = (async () => {
    while (!stop) statuses.add((await serving.post(path, body(1))).status);
  })();
  const tookMs: number[] = [];
  for (const version of ['2', '1', '2', '1', '2', '1']) {
    const startedMs = performance.now();
    await settled(await service.switchOver(actor, 'delay', `${version} is the better one`));
    tookMs.push(performance.now() - startedMs);
    assert.equal(await versionOf(), version);
  }
  const promoted = await service.challenge(actor, 'delay', await target(3), 0.5, 'next');
  assert.equal(promoted.arms.length, 3);
  const kept = await service.promote(actor, 'delay', 'better', '3', { keepPrevious: true });
  assert.deepEqual(
    kept.arms.map((a) => [a.arm, a.modelVersion, a.weight]),
    [
      ['champion', '3', 1],
      ['standby', '1', 0],
    ],
  );
  await settled(kept);
  stop = true;
  await load;
  assert.deepEqual([...statuses], [200]);
  // A replica that only found out would take a whole heartbeat for each but the first; a busy machine may delay some.
  assert.ok(Math.min(...tookMs.slice(1)) < 1000, `${tookMs} ms`);
});

test('a challenger that breaks its guard loses its traffic in the replica at once, and control writes why', async (t) => {
  const { control, service, serving, target, settled } = await setUp(t);
  const broken = await target(2, Number.POSITIVE_INFINITY);
  const challenged = await service.challenge(actor, 'delay', broken, 0.5, 'canary', true);
  await settled(challenged);
  // x1 = 0 makes NaN of the challenger; the first such answer ends it.
  let failures = 0;
  for (let i = 0; i < 60; i++) {
    if ((await serving.post(path, body(0, `f${i}`))).status !== 200) failures++;
  }
  assert.equal(failures, 1);
  const startedMs = performance.now();
  let now = await service.endpoint(actor, 'delay');
  while (now.arms.length > 1 && performance.now() - startedMs < heartbeatMs) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    now = await service.endpoint(actor, 'delay');
  }
  assert.deepEqual(
    now.arms.map((a) => [a.arm, a.weight]),
    [['champion', 1]],
  );
  assert.equal(now.shadow, null);
  await settled(now);
  const [last] = await service.routeVersions(actor, 'delay', { limit: 1 });
  assert.match(
    last?.reason ?? '',
    /^version 2 lost its traffic in the replica: a score was NaN or infinite in 1 of \d+ requests$/,
  );
  await service.sealPredictions(60_000);
  const rows = await control.rows('delay');
  const own = rows.filter((r) => r.arm === 'challenger');
  assert.deepEqual(
    own.map((r) => r.status),
    ['output_not_finite'],
  );
  assert.deepEqual(serving.replica.plane.withdrawn, []);
});

test('callers who have no time say nothing about a challenger', async (t) => {
  const { service, serving, target, settled } = await setUp(t);
  const challenged = await service.challenge(actor, 'delay', await target(2), 0.5, 'canary', true);
  await settled(challenged);
  const statuses = new Set<number>();
  for (let i = 0; i < 30; i++) {
    const hurried = { ...body(1), parameters: { entity: `f${i}`, timeout: 1 } };
    statuses.add((await serving.post(path, hurried)).status);
  }
  assert.deepEqual([...statuses], [504]);
  assert.deepEqual(serving.replica.plane.withdrawn, []);
  const challenger = { endpoint: 'delay', arm: 'challenger', modelVersion: '2' };
  assert.equal(serving.replica.plane.guardCounts(challenger)?.failed, 0);
});

test('staging to production: the champion goes on as a canary, the trail says from where', async (t) => {
  const { service, target } = await setUp(t);
  const options = { environment: 'staging' };
  await service.declare(actor, { name: 'delay', model: 'delay-model', options: options as never });
  await service.declare(actor, { name: 'live', model: 'delay-model' });
  await service.declare(actor, { name: 'other', model: 'another' });
  const to = { endpoint: 'live', as: 'challenger', weight: 0.1 } as const;
  const first = await service.promoteTo(actor, 'delay', to, 'passed');
  assert.deepEqual(
    first.arms.map((a) => [a.arm, a.modelVersion, a.weight]),
    [['champion', '1', 1]],
  );
  await service.deploy(actor, 'delay', await target(2), 'next');
  const second = await service.promoteTo(actor, 'delay', to, 'passed');
  assert.deepEqual(
    second.arms.map((a) => [a.arm, a.modelVersion, a.weight]),
    [
      ['champion', '1', 0.9],
      ['challenger', '2', 0.1],
    ],
  );
  const [version] = await service.routeVersions(actor, 'live', { limit: 1 });
  assert.equal(version?.reason, 'from staging to live: passed');
  await assert.rejects(service.promoteTo(actor, 'delay', { ...to, endpoint: 'other' }, 'no'), {
    code: 'conflict',
  });
});
