import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { z } from 'zod';
import { execute } from '../../platform/db/index.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { defaultEndpointOptions } from './contract/endpoint-options.ts';
import { ServingService } from './service.ts';
import { actor, openServing } from './testing.ts';

forEachDatabase((name, open) => {
  suite(`routes on ${name}`, () => {
    test('the champion of another model answers until the version that is deployed takes over', async (t) => {
      const { service, target } = await openServing(t, open);
      const [one, two] = [await target('1'), await target('2')];
      const now = { name: 'flights', model: 'delay' };
      const first = await service.deployModel(actor, now, one, 'first model');
      assert.equal((await service.deployModel(actor, now, one, 'again')).routeVersion, first.routeVersion);
      const other = { name: 'flights', model: 'arrival' };
      const unknown = { modelVersion: '9', packageDigest: `sha256:${'0'.repeat(64)}` } as const;
      await assert.rejects(service.deployModel(actor, other, unknown, 'no package'));
      assert.deepEqual((await service.endpoint(actor, 'flights')).arms, first.arms);
      const second = await service.deployModel(actor, other, two, 'another model');
      assert.deepEqual([second.model, second.arms], ['arrival', [{ arm: 'champion', ...two, weight: 1 }]]);
      const history = await service.routeVersions(actor, 'flights', { limit: 100 });
      assert.deepEqual(
        history.map(({ action, arms }) => [action, arms.length]),
        [
          ['deploy', 1],
          ['deploy', 1],
          ['declare', 0],
        ],
      );
    });

    test('names that keep nothing out of the log are told, once it is known what the model takes', async (t) => {
      const { service, target, registered } = await openServing(t, open);
      const log = { redact: ['x1', 'x9'], hash: ['entity', 'who'] };
      await service.declare(actor, { name: 'e', model: 'm', entityFeature: 'who', options: { log } });
      const warnings = async () => (await service.endpointWithWarnings(actor, 'e')).warnings;
      assert.deepEqual(await warnings(), []);
      const one = await target('1');
      registered.set('m/1', one.packageDigest);
      await service.deploy(actor, 'e', one, 'first model');
      assert.match((await warnings())?.join() ?? '', /^No input of .* is called x9: nothing is kept out/);
      await service.declare(actor, { name: 'e', model: 'm', options: { log: { ...log, redact: ['x1'] } } });
      assert.deepEqual(await warnings(), []);
    });

    test('an endpoint tells which of its versions the registry no longer has, and a deletion who serves it', async (t) => {
      const { service, target, registered } = await openServing(t, open);
      const [one, two] = [await target('1'), await target('2')];
      for (const [name, { packageDigest }] of [['m/1', one] as const, ['m/2', two] as const])
        registered.set(name, packageDigest);
      await service.declare(actor, { name: 'e', model: 'm' });
      await service.deploy(actor, 'e', one, 'first');
      await service.setShadow(actor, 'e', two, 'listens');
      await service.declare(actor, { name: 'empty', model: 'm' });
      const warnings = async () => (await service.endpointWithWarnings(actor, 'e')).warnings;
      assert.deepEqual(await warnings(), []);
      for (const version of [null, 1, 2])
        assert.deepEqual(await service.endpointsServing('m', version), ['e']);
      assert.deepEqual(await service.endpointsServing('m', 3), []);
      assert.deepEqual(await service.endpointsServing('other', null), []);
      registered.delete('m/2');
      assert.match((await warnings())?.join() ?? '', /^v2 of m is no longer in the registry, .* it answers/);
      registered.clear();
      assert.match((await warnings())?.join() ?? '', /^v1, v2 of m are no longer in the registry/);
    });

    test('a rollback finds the champion before thousands of routes that changed only shares', async (t) => {
      const { service, db, target } = await openServing(t, open);
      const [one, two] = [await target('1'), await target('2')];
      await service.declare(actor, { name: 'flights', model: 'delay' });
      await service.deploy(actor, 'flights', one, 'first model');
      const { routeVersion } = await service.deploy(actor, 'flights', two, 'second model');
      await db.write((tx) =>
        execute(
          tx,
          `INSERT INTO route_versions (version, endpoint, action, actor, reason, salt, arms_json, shadow_json, created_at_ms)
           WITH RECURSIVE later(version) AS
             (SELECT ${routeVersion + 1} UNION ALL SELECT version + 1 FROM later WHERE version < ${routeVersion + 10_500})
           SELECT later.version, endpoint, 'weight', actor, reason, salt, arms_json, shadow_json, created_at_ms
           FROM later, route_versions WHERE route_versions.version = ${routeVersion}`,
        ),
      );
      const back = await service.rollback(actor, 'flights', 'complaints');
      assert.deepEqual(back.arms, [{ arm: 'champion', ...one, weight: 1 }]);
    });

    test('a rollout: deploy, challenge, widen, promote, roll back; each step is a route version with its trail', async (t) => {
      const { service, journal, target } = await openServing(t, open);
      const [one, two] = [await target('1'), await target('2')];
      await service.declare(actor, { name: 'flights', model: 'delay', entityFeature: 'flight' });
      const declared = await service.declare(actor, {
        name: 'flights',
        model: 'delay',
        entityFeature: 'flight',
      });
      assert.equal(declared.routeVersion, 1);

      const deployed = await service.deploy(actor, 'flights', one, 'first model');
      assert.deepEqual(deployed.arms, [{ arm: 'champion', ...one, weight: 1 }]);
      const mirrored = await service.setShadow(actor, 'flights', two, 'look at it');
      assert.deepEqual(mirrored.shadow, two);
      const canary = await service.challenge(actor, 'flights', two, 0.01, 'canary', true);
      assert.notEqual(canary.salt, deployed.salt);
      assert.deepEqual(
        canary.arms.map((a) => a.weight),
        [0.99, 0.01],
      );
      const wider = await service.setWeights(actor, 'flights', { challenger: 0.1 }, 'looks well');
      assert.equal(wider.salt, canary.salt);
      assert.equal(
        (await service.challenge(actor, 'flights', two, 0.1, 'again', true)).routeVersion,
        wider.routeVersion,
      );

      const promoted = await service.promote(actor, 'flights', 'better', '2');
      assert.deepEqual(promoted.arms, [{ arm: 'champion', ...two, weight: 1 }]);
      assert.equal(promoted.shadow, null);
      assert.equal(
        (await service.promote(actor, 'flights', 'better', '2')).routeVersion,
        promoted.routeVersion,
      );

      const back = await service.rollback(actor, 'flights', 'complaints');
      assert.deepEqual(back.arms, [{ arm: 'champion', ...one, weight: 1 }]);
      const history = await service.routeVersions(actor, 'flights', { limit: 100 });
      assert.deepEqual(
        history.map((h) => h.action),
        ['rollback', 'promote', 'weight', 'challenge', 'shadow', 'deploy', 'declare'],
      );
      assert.equal(history[0]!.actor, 'user:ada');

      const events = await journal.eventsAfter(0, 100, { kind: 'endpoint', id: 'flights' });
      assert.equal(events.length, 7);
      assert.equal(events.at(-1)!.type, 'endpoint.rolled-back');
      const audit = await journal.auditEntries({ subjectKind: 'endpoint', subjectId: 'flights', limit: 100 });
      assert.equal(audit.length, 7);
      assert.deepEqual(audit[1]!.after, {
        model: 'delay',
        routeVersion: 6,
        arms: { champion: { version: '2', weight: 1 } },
        shadow: null,
      });
    });

    test('withdrawing gives the champion everything again, and does nothing twice', async (t) => {
      const { service, target } = await openServing(t, open);
      const [one, two] = [await target('1'), await target('2')];
      await service.declare(actor, { name: 'e', model: 'm' });
      await service.deploy(actor, 'e', one, 'r');
      await service.challenge(actor, 'e', two, 0.5, 'r', true);
      const withdrawn = await service.withdraw(actor, 'e', 'worse');
      assert.deepEqual(withdrawn.arms, [{ arm: 'champion', ...one, weight: 1 }]);
      assert.equal(withdrawn.shadow, null);
      assert.equal((await service.withdraw(actor, 'e', 'worse')).routeVersion, withdrawn.routeVersion);
    });

    test('a split, a standby and its switch; what a replica took away is taken from all, with the numbers', async (t) => {
      const { service, journal, target } = await openServing(t, open);
      const [one, two, three] = [await target('1'), await target('2'), await target('3')];
      await service.declare(actor, { name: 'e', model: 'm' });
      await service.deploy(actor, 'e', one, 'r');
      const arms = [
        { arm: 'b', ...two, weight: 0.3 },
        { arm: 'c', ...three, weight: 0.2 },
      ];
      const split = await service.split(actor, 'e', arms, 'three');
      assert.equal((await service.split(actor, 'e', arms, 'again')).routeVersion, split.routeVersion);
      assert.deepEqual(
        split.arms.map((a) => [a.arm, a.weight, a.guard !== undefined]),
        [
          ['champion', 0.5, false],
          ['b', 0.3, true],
          ['c', 0.2, true],
        ],
      );
      const counts = { requests: 50, failed: 25, slow: 0, nonFinite: 0 };
      const told = { endpoint: 'e', routeVersion: split.routeVersion, arm: 'b', modelVersion: '2', counts };
      const withdrawn = [{ ...told, reason: 'version 2 lost its traffic', atMs: 5 }];
      const status = { routesVersion: 0, endpoints: [], models: [], withdrawn };
      await service.reportReplica(actor, 'edge', status);
      await service.reportReplica(actor, 'edge', status);
      const left = await service.endpoint(actor, 'e');
      assert.deepEqual(
        left.arms.map((a) => [a.arm, a.weight]),
        [
          ['champion', 0.8],
          ['c', 0.2],
        ],
      );
      const events = await journal.eventsAfter(0, 100, { kind: 'endpoint', id: 'e' });
      const guarded = events.filter((event) => event.type === 'endpoint.guarded');
      assert.equal(guarded.length, 1);
      const [audit] = await journal.auditEntries({ subjectKind: 'endpoint', subjectId: 'e', limit: 1 });
      assert.ok(JSON.stringify(audit?.after).includes(JSON.stringify(counts)));

      const token = await service.createOverrideToken(actor, 'e', { arm: 'c', ttlMs: 1000, reason: 'look' });
      assert.match(token.token, /^c\.\d+\./);
      const [route] = (await service.routeTable()).endpoints;
      assert.equal(typeof route?.overrideKey, 'string');
      await assert.rejects(service.switchOver(actor, 'e', 'r'), { code: 'endpoint_no_arm' });
      await service.standby(actor, 'e', two, 'green');
      const switched = await service.switchOver(actor, 'e', 'go');
      assert.deepEqual(
        switched.arms.map((a) => [a.arm, a.modelVersion]),
        [
          ['champion', '2'],
          ['standby', '1'],
        ],
      );
      assert.equal((await service.switchOver(actor, 'e', 'and back')).arms[0]?.modelVersion, '1');
    });

    test('endpoints that are declared and changed at the same time each get a version of their own, and lose nothing', async (t) => {
      const { service, target } = await openServing(t, open);
      await service.declare(actor, { name: 'old', model: 'delay' });
      const one = await target('1');
      await Promise.all([
        service.deploy(actor, 'old', one, 'first'),
        service.declare(actor, { name: 'old', model: 'delay', entityFeature: 'flight' }),
        ...['a', 'b', 'c', 'd'].map((name) => service.declare(actor, { name, model: 'delay' })),
      ]);
      const all = await service.endpoints(actor, 'active', { limit: 10 });
      assert.equal(new Set(all.map((e) => e.routeVersion)).size, 5);
      const old = await service.endpoint(actor, 'old');
      assert.deepEqual([old.entityFeature, old.arms.length], ['flight', 1]);
    });

    test('a retired endpoint has no route and is in no list, keeps its history, and comes back by a later change', async (t) => {
      const { service, journal, target } = await openServing(t, open);
      const one = await target('1');
      const declaration = { name: 'trial', model: 'delay', entityFeature: 'flight' };
      await service.declare(actor, declaration);
      await service.declare(actor, { name: 'stays', model: 'delay' });
      const { routeVersion } = await service.deploy(actor, 'trial', one, 'first');
      const retired = await service.retire(actor, 'trial', 'the trial is over');
      assert.deepEqual([retired.arms, retired.retiredAt], [[], retired.updatedAt]);
      const again = await service.retire(actor, 'trial', 'once more');
      assert.equal(again.routeVersion, routeVersion + 1);

      const names = async (life: 'active' | 'retired') =>
        (await service.endpoints(actor, life, { limit: 10 })).map((e) => e.name);
      assert.deepEqual([await names('active'), await names('retired')], [['stays'], ['trial']]);
      const busiest = await service.busiest(actor, 'predictions', { after: undefined, limit: 10 });
      assert.deepEqual(
        busiest.map((e) => e.name),
        ['stays'],
      );
      const table = await service.routeTable();
      assert.deepEqual(
        [table.endpoints.map((e) => e.endpoint), table.version],
        [['stays'], routeVersion + 1],
      );
      assert.equal((await service.route('trial'))?.entityFeature, 'flight');
      const [last] = await service.routeVersions(actor, 'trial', { limit: 1 });
      assert.deepEqual([last?.action, last?.reason], ['retire', 'the trial is over']);
      const events = await journal.eventsAfter(0, 100, { kind: 'endpoint', id: 'trial' });
      assert.equal(events.at(-1)?.type, 'endpoint.retired');
      await assert.rejects(service.challenge(actor, 'trial', one, 0.1, 'r'), {
        code: 'endpoint_no_champion',
      });

      const back = await service.rollback(actor, 'trial', 'somebody needs it');
      assert.deepEqual([back.retiredAt, back.arms[0]?.modelVersion], [null, '1']);
      await service.retire(actor, 'trial', 'now it is over');
      assert.equal((await service.declare(actor, declaration)).retiredAt, null);
      assert.deepEqual(await names('active'), ['stays', 'trial']);
    });

    test('what changes an endpoint by itself keeps it from being retired, and the audit trail has what a declaration declared', async (t) => {
      const { journal, options } = await openServing(t, open);
      const gone: string[] = [];
      let by: string | null = 'rollout r';
      const service = await ServingService.open({
        ...options,
        usedBy: async () => by,
        onRetired: async (_, endpoint) => void gone.push(endpoint),
      });
      t.after(() => service.close());
      const limited = { ...defaultEndpointOptions, requireKey: true };
      await service.declare(actor, { name: 'e', model: 'm' });
      await service.declare(actor, { name: 'e', model: 'm', options: limited, reason: 'keys from now on' });
      const [entry] = await journal.auditEntries({ limit: 1 });
      assert.equal(entry?.reason, 'keys from now on');
      const keys = [entry?.before, entry?.after].map(
        (state) =>
          z.object({ options: z.object({ requireKey: z.boolean() }) }).parse(state).options.requireKey,
      );
      assert.deepEqual(keys, [false, true]);
      await assert.rejects(service.retire(actor, 'e', 'r'), {
        code: 'endpoint_in_use',
        message: 'endpoint "e" cannot be retired: it is used by rollout r',
      });
      assert.deepEqual(gone, []);
      by = null;
      await service.retire(actor, 'e', 'r');
      assert.deepEqual(gone, ['e']);
    });

    test('an arm may be called like a property that every object has', async (t) => {
      const { service, target } = await openServing(t, open);
      await service.declare(actor, { name: 'e', model: 'delay' });
      await service.deploy(actor, 'e', await target('1'), 'first');
      const [two, three] = [await target('2'), await target('3')];
      const arms = [
        { arm: 'constructor', ...two, weight: 0.2 },
        { arm: 'b', ...three, weight: 0.1 },
      ];
      await service.split(actor, 'e', arms, 'compare');
      await service.setWeights(actor, 'e', { b: 0.3 }, 'b looks well');
      const { arms: now } = await service.endpoint(actor, 'e');
      assert.deepEqual(
        now.map((a) => [a.arm, a.weight]),
        [
          ['champion', 0.5],
          ['constructor', 0.2],
          ['b', 0.3],
        ],
      );
    });

    test('what cannot be done says why', async (t) => {
      const { service, target } = await openServing(t, open);
      const one = await target('1');
      const gone = { modelVersion: '9', packageDigest: `sha256:${'0'.repeat(64)}` as const };
      await assert.rejects(service.deploy(actor, 'e', one, 'r'), { code: 'not_found' });
      await service.declare(actor, { name: 'e', model: 'm' });
      await assert.rejects(service.challenge(actor, 'e', one, 0.1, 'r'), { code: 'endpoint_no_champion' });
      await assert.rejects(service.deploy(actor, 'e', gone, 'r'), { code: 'blob_missing' });
      await service.deploy(actor, 'e', one, 'r');
      await assert.rejects(service.promote(actor, 'e', 'r'), { code: 'endpoint_no_challenger' });
      await assert.rejects(service.setWeights(actor, 'e', { challenger: 0.5 }, 'r'), {
        code: 'endpoint_no_challenger',
      });
      await assert.rejects(service.challenge(actor, 'e', one, 0.1, 'r'), {
        code: 'conflict',
        message: /champion/,
      });
      await assert.rejects(service.rollback(actor, 'e', 'r'), { code: 'rollback_impossible' });
      await assert.rejects(service.rollback(actor, 'e', 'r', 77), {
        code: 'rollback_impossible',
        message: /77/,
      });
    });
  });
});
