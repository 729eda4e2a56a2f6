import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { MillraceError } from '../core/errors.ts';
import { digestOf } from '../core/json.ts';
import { formatTime } from '../core/time.ts';
import { everyText, migrate } from '../platform/db/index.ts';
import { forEachDatabase } from '../platform/db/testing.ts';
import { rolloutSpecSchema } from './contract.ts';
import { endpointUse } from './endpoint-use.ts';
import { parseLoopFile } from './file/parse-loop-file.ts';
import { insertRollout, type RolloutData, updateRollout } from './rollouts/store.ts';
import { listLoopVersions } from './store/loops.ts';
import { anna, FakeWorld, loopTestMigrations, loopText, openLoop } from './testing.ts';

forEachDatabase((name, open) => {
  test(`${name}: what a file says of its data is checked against the data, with lines`, async (t) => {
    const { loops } = await openLoop(t, await open(t, loopTestMigrations), new FakeWorld());
    const refused = async (text: string): Promise<string> => {
      const error = await loops.apply(anna, { text }).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof MillraceError);
      assert.equal(error.code, 'loop_file_invalid');
      return error.message;
    };
    assert.equal(
      await refused(loopText.replace('column: late', 'column: lat')),
      'loop.yaml:6: data.label.column: column "lat" is not in dataset flights version 1; did you mean "late"?',
    );
    assert.equal(
      await refused(loopText.replace('evaluate:', 'evaluate:\n  segments: [weekday]')),
      'loop.yaml:9: evaluate.segments[0]: column "weekday" is not in dataset flights version 1; its columns are date, flight_id, distance, late',
    );
    assert.equal(
      await refused(loopText.replace('time: date', 'time: distance')),
      'loop.yaml:4: data.time: dataset flights version 1 was registered with time column "date"; register it again with "distance"',
    );
    assert.equal(
      await refused(loopText.replace('dataset:flights', 'dataset:fligths')),
      'loop.yaml:3: data.source: dataset fligths is not registered; see GET /api/v1/datasets',
    );
    assert.match(
      await refused(loopText.replace('dataset:flights', 'flights.csv')),
      /^loop\.yaml:3: data\.source: flights\.csv is a file/,
    );
    await assert.rejects(loops.get(anna, 'flights'), { code: 'not_found' });
  });

  test(`${name}: code that was not uploaded is named, and an endpoint belongs to one loop`, async (t) => {
    const world = new FakeWorld();
    const loop = await openLoop(t, await open(t, loopTestMigrations), world);
    const digest = `sha256:${'a'.repeat(64)}` as const;
    await assert.rejects(loop.loops.apply(anna, { text: loopText, files: [{ path: 'train.py', digest }] }), {
      code: 'loop_blob_missing',
      message: `file train.py (${digest}) was not uploaded`,
    });
    world.answering = 'delay';
    await assert.rejects(
      loop.apply(),
      /deploy\.endpoint: endpoint flights answers with the model delay; choose/,
    );
    world.answering = null;
    await loop.apply();
    world.answering = 'flights';
    await loop.apply();
    const other = loopText
      .replace('loop: flights', 'loop: other')
      .replace('deploy:', 'deploy:\n  endpoint: flights');
    await assert.rejects(loop.loops.apply(anna, { text: other }), /endpoint flights belongs to loop flights/);
  });

  test(`${name}: addresses of webhooks go to the monitor, and are kept and shown by their ends`, async (t) => {
    const world = new FakeWorld();
    const db = await open(t, loopTestMigrations);
    const { loops } = await openLoop(t, db, world);
    const webhook = 'https://hooks.example/T0AAAA/B0BBBB/cccccccc9fXq';
    const shown = 'https://hooks.example/***9fXq';
    const text = `${loopText}\nmonitor: { alerts: [{ webhook: "${webhook}" }] } # not ${webhook}/too\n`;
    const { loop, outcome } = await loops.apply(anna, { text });
    assert.deepEqual([outcome, world.watched.at(-1)?.monitor.alerts], ['created', [{ webhook }]]);
    assert.equal(loop.text, text.replaceAll(webhook, shown));
    assert.deepEqual(loop.file.monitor.alerts, [{ webhook: shown }]);
    const texts = await Array.fromAsync(everyText(db), (found) => `${found.table}: ${found.text}`);
    assert.doesNotMatch(texts.join('\n'), /cccccccc/);
    for (const again of [text, loop.text])
      assert.equal((await loops.apply(anna, { text: again })).outcome, 'unchanged');
    const other = await loops.apply(anna, { text: text.replaceAll('cccccccc', 'dddddddd') });
    assert.equal(other.outcome, 'changed');
    await assert.rejects(
      loops.apply(anna, { text: text.replace('T0AAAA', 'T0\\x41AAA') }),
      /monitor\.alerts\[0\]\.webhook: must stand on one line and without escapes/,
    );
  });

  test(`${name}: addresses of webhooks in files that were applied before are left out of them`, async (t) => {
    const ofNow = 'loop-013';
    const db = await open(
      t,
      loopTestMigrations.filter(({ id }) => id !== ofNow),
    );
    const webhook = 'https://hooks.example/T0AAAA/B0BBBB/cccccccc9fXq';
    const text = `${loopText}\nmonitor: { alerts: [{ webhook: "${webhook}" }] }\n`;
    const file = JSON.stringify(parseLoopFile(text));
    await db.write((tx) =>
      sql`INSERT INTO loop_versions VALUES ('flights', 1, ${text}, ${file}, '[]', 'sha256:0', 'v', 1, 'user:anna')`.execute(
        tx,
      ),
    );
    await migrate(db, loopTestMigrations);
    const [version] = await listLoopVersions(db.read, 'flights', 1);
    const shown = text.replaceAll(webhook, 'https://hooks.example/***9fXq');
    assert.equal(version?.text, shown);
    assert.deepEqual(JSON.parse(version?.file ?? ''), parseLoopFile(shown));
  });

  test(`${name}: a loop takes no endpoint from a rollout, and leaves none amid a turn; then it takes its champion along`, async (t) => {
    const world = new FakeWorld();
    const db = await open(t, loopTestMigrations);
    const loop = await openLoop(t, db, world);
    const elsewhere = { text: loopText.replace('deploy:', 'deploy:\n  endpoint: elsewhere') };
    const step = { stage: 'split', index: null, percent: 50, routeVersion: 2, since: formatTime(0) } as const;
    const plan = { kind: 'split', arms: [{ arm: 'b', version: 2, percent: 50 }] };
    const data: RolloutData = {
      model: 'flights',
      championVersion: '1',
      championDigest: digestOf('1'),
      targets: [],
      spec: rolloutSpecSchema.parse(plan),
      firstRouteVersion: 2,
      look: null,
      looks: [],
      earlier: [],
      bandit: null,
      decisions: [],
      reason: 'waits for traffic',
      beganEventMs: null,
      weighedAtMs: null,
      movedAlias: null,
      endedAtMs: null,
      countsUntilMs: null,
      coolUntilMs: null,
      clock: null,
      intent: null,
      step: { ...step, sinceEventTime: null, isProved: false },
    };
    const rollout = { id: 'r', endpoint: 'elsewhere', state: 'running', revision: 0, data } as const;
    await db.write((tx) => insertRollout(tx, { ...rollout, createdAtMs: 0, updatedAtMs: 0 }));
    const taken = {
      code: 'rollout_under_way',
      message: 'endpoint "elsewhere" is changed by rollout r already',
    };
    await assert.rejects(loop.loops.apply(anna, elsewhere), taken);
    await assert.rejects(loop.loops.get(anna, 'flights'), { code: 'not_found' });
    assert.equal(await endpointUse(db.read, 'elsewhere'), 'rollout r');
    assert.equal(await endpointUse(db.read, 'flights'), null);
    await loop.apply();
    assert.equal(await endpointUse(db.read, 'flights'), 'loop flights');
    await loop.loops.pause(anna, 'flights', 'nobody needs it');
    assert.equal(await endpointUse(db.read, 'flights'), null);
    await loop.loops.resume(anna, 'flights', 'somebody does');
    await assert.rejects(loop.loops.apply(anna, elsewhere), taken);
    const ended = { state: 'ended', data, nowMs: 1 } as const;
    await db.write((tx) => updateRollout(tx, { ...rollout, createdAtMs: 0, updatedAtMs: 0 }, ended));

    world.verdict = 'unsure';
    await loop.loops.trigger(anna, 'flights', { reason: 'try another' });
    await loop.settle();
    await assert.rejects(loop.loops.apply(anna, elsewhere), {
      code: 'loop_busy',
      message: 'turn flights/2 of loop flights is awaiting-approval',
    });
    await loop.apply(`${loopText}# the same endpoint\n`);
    const { activeTurn } = await loop.loops.get(anna, 'flights');
    await loop.turns.reject(anna, activeTurn?.id ?? '', 'no');
    await loop.settle();
    // It is as empty as endpoints are that were just declared.
    world.serving = { champion: null, challenger: null };
    world.calls.length = 0;
    await loop.loops.apply(anna, elsewhere);
    await loop.settle();
    assert.deepEqual(world.calls, ['deploy 1']);
  });
});
