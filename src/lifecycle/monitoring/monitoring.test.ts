import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatTime } from '../../core/time.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { createLogger } from '../../platform/log/index.ts';
import {
  alertSchema,
  monitorSchema,
  monitorWindowSchema,
  monitorWindowSummarySchema,
  type WatchedReplica,
} from './contract.ts';
import { MonitorSchedule } from './monitor-schedule.ts';
import { ada, dayMs, labelsOf, makeRows, openMonitoring, startMs } from './testing.ts';

const spec = { window: 'day', labelDelayMs: dayMs, performance: { minLabels: 100 } } as const;
const dayAt = (n: number) => startMs + n * dayMs;

forEachDatabase((name, open) => {
  describe(`monitoring on ${name}`, { concurrency: 2 }, () => {
    test('windows close and mature by event time alone, once', async (t) => {
      const { service, send, label, advance, train, journal } = await openMonitoring(t, open);
      await service.configure(ada, 'flights', spec);
      const version = await train();
      await service.addReference(ada, 'flights', { modelVersion: '1', datasetVersionId: version.id });
      const first = makeRows(1, dayAt(0), 600, {});
      await send(first);
      await send(makeRows(2, dayAt(1), 600, {}));
      const none = { closed: 0, matured: 0, revised: 0, alertsOpened: 0, alertsResolved: 0 };
      assert.deepEqual(await advance(dayAt(1) - 1), none);
      assert.deepEqual(await advance(dayAt(1)), { ...none, closed: 1 });
      assert.deepEqual(await service.run(ada, 'flights'), none);
      await label(labelsOf(first.slice(0, 500), 1));
      assert.deepEqual(await advance(dayAt(2)), { ...none, closed: 1, matured: 1 });

      const [second, oldest] = await service.windows(ada, { endpoint: 'flights', limit: 10 });
      assert.deepEqual(
        [oldest?.start, oldest?.end, oldest?.state, oldest?.rows, oldest?.revision],
        ['2001-02-01T00:00:00.000Z', '2001-02-02T00:00:00.000Z', 'matured', 600, 2],
      );
      assert.deepEqual(
        [oldest?.performance.mature, oldest?.performance.labelled, oldest?.performance.eligible],
        [true, 500, 600],
      );
      assert.deepEqual([second?.state, second?.performance.labelled], ['closed', 0]);
      assert.deepEqual(oldest?.driftedColumns, []);
      const whole = await service.window(ada, second?.id ?? '');
      monitorWindowSchema.parse(whole);
      for (const window of [oldest, second]) monitorWindowSummarySchema.parse(window);
      monitorSchema.parse(await service.monitor(ada, 'flights'));
      assert.deepEqual(
        whole.drift.map((c) => [c.column, c.role, c.kind, c.verdict]),
        [
          ['distance', 'feature', 'numeric', 'stable'],
          ['origin', 'feature', 'categorical', 'stable'],
          ['hour', 'feature', 'categorical', 'stable'],
        ],
      );
      assert.equal(whole.reference?.scores, 'none');
      for (const { comparison, currentRows, referenceRows } of whole.drift) {
        assert.equal(
          comparison.current.reduce((a, b) => a + b),
          currentRows,
        );
        assert.equal(
          comparison.reference.reduce((a, b) => a + b),
          referenceRows,
        );
      }
      const types = (await journal.eventsAfter(0, 100)).map((event) => event.type);
      assert.deepEqual(
        types.filter((type) => type.startsWith('window.')),
        ['window.closed', 'window.matured', 'window.closed'],
      );
    });

    test('late labels and late rows are measured again, with a new revision', async (t) => {
      const { service, send, label, advance } = await openMonitoring(t, open);
      await service.configure(ada, 'flights', spec);
      const rows = makeRows(1, dayAt(0), 300, {});
      await send(rows);
      await advance(dayAt(5));
      const window = async () => (await service.windows(ada, { endpoint: 'flights', limit: 1 }))[0];
      assert.deepEqual([(await window())?.state, (await window())?.performance.labelled], ['matured', 0]);
      await label(labelsOf(rows, 1));
      assert.equal((await service.run(ada, 'flights')).revised, 1);
      assert.deepEqual([(await window())?.revision, (await window())?.performance.labelled], [2, 300]);
      // The same labels again change neither rows nor truths, but are the ones received last.
      await label([{ predictionId: rows[0]?.id ?? '', value: 0, eventTime: startMs }]);
      assert.equal((await service.run(ada, 'flights')).revised, 1);
      await send(makeRows(2, dayAt(0) + 1000, 100, {}));
      assert.equal((await service.run(ada, 'flights')).revised, 1);
      assert.deepEqual([(await window())?.revision, (await window())?.rows], [4, 400]);
      assert.equal((await service.run(ada, 'flights')).revised, 0);
    });

    test('drift that persists opens one alert, confirmed while it lasts, resolved when it ends', async (t) => {
      const { service, send, advance, train, journal } = await openMonitoring(t, open);
      await service.configure(ada, 'flights', spec);
      const version = await train();
      await service.addReference(ada, 'flights', { modelVersion: '1', datasetVersionId: version.id });
      const shifts = [
        {},
        { distance: 40, ordShare: 0.5 },
        { distance: 40, ordShare: 0.5 },
        { distance: 40 },
        {},
        {},
        {},
      ];
      const history: string[] = [];
      for (const [day, shift] of shifts.entries()) {
        await send(makeRows(10 + day, dayAt(day), 800, shift));
        const { alertsOpened, alertsResolved } = await advance(dayAt(day + 1));
        const alerts = await service.alerts(ada, { state: 'unresolved', limit: 10 });
        const open = alerts.map((a) => `${a.subject}x${a.evidence.length}`).sort();
        history.push(`+${alertsOpened} -${alertsResolved} ${open.join(' ')}`.trim());
      }
      assert.deepEqual(history, [
        '+0 -0',
        '+0 -0',
        '+2 -0 distancex1 originx1',
        // Origin was in two of the last three windows, so its alert waits one more.
        '+0 -0 distancex2 originx1',
        '+0 -1 distancex2',
        '+0 -1',
        '+0 -0',
      ]);
      const alerts = await service.alerts(ada, { endpoint: 'flights', state: 'resolved', limit: 10 });
      for (const alert of alerts) alertSchema.parse(alert);
      const distance = alerts.find((alert) => alert.subject === 'distance');
      assert.equal(distance?.kind, 'feature-drift');
      assert.match(
        distance?.reason ?? '',
        /^distance drifted: rank distance 0\.1\d* \(matters from 0\.03\), p /,
      );
      assert.equal(distance?.openedAt, '2001-02-04T00:00:00.000Z');
      assert.match(
        alerts.find((alert) => alert.subject === 'origin')?.reason ?? '',
        /; ORD 30\.8 % → 49\.3 %$/,
      );
      const types = (await journal.eventsAfter(0, 500)).map((event) => event.type);
      assert.equal(types.filter((type) => type === 'alert.opened').length, 2);
      assert.equal(types.filter((type) => type === 'alert.resolved').length, 2);
    });

    test('scores are compared with the version’s own first week', async (t) => {
      const { service, send, advance } = await openMonitoring(t, open);
      await service.configure(ada, 'flights', spec);
      for (let day = 0; day < 8; day++) await send(makeRows(day, dayAt(day), 300, {}));
      const higher = makeRows(8, dayAt(8), 300, {}).map((row) => ({
        ...row,
        score: Math.sqrt(row.score ?? 0),
      }));
      await send(higher);
      await advance(dayAt(9));
      const windows = await service.windows(ada, { endpoint: 'flights', limit: 20 });
      assert.deepEqual(
        windows.map((window) => window.scoreDrifted),
        [true, false, false, false, false, false, false, false, false],
      );
      const { drift } = await service.window(ada, windows[1]?.id ?? '');
      assert.deepEqual(
        drift.map(({ column, verdict, referenceRows }) => [column, verdict, referenceRows]),
        [['score', 'stable', 2100]],
      );
      assert.deepEqual((await service.window(ada, windows[2]?.id ?? '')).drift, []);
    });

    test('missing values and new categories are found; nothing throws on empty columns', async (t) => {
      const { service, send, advance, train } = await openMonitoring(t, open);
      await service.configure(ada, 'flights', spec);
      const version = await train();
      await service.addReference(ada, 'flights', { modelVersion: '1', datasetVersionId: version.id });
      const rows = makeRows(1, dayAt(0), 600, { missing: 0.2 });
      await send(
        rows.map((row, i) => ({
          ...row,
          features: { ...row.features, origin: i % 10 === 0 ? 'XYZ' : 'ORD', hour: null },
        })),
      );
      await send([
        { id: 'failed', eventTimeMs: dayAt(0), status: 'overloaded', score: null },
        { id: 'refused', eventTimeMs: dayAt(0), status: 'input_missing', score: null },
      ]);
      await advance(dayAt(1));
      const [summary] = await service.windows(ada, { endpoint: 'flights', limit: 1 });
      const { drift, health } = await service.window(ada, summary?.id ?? '');
      const column = (wanted: string) => drift.find((c) => c.column === wanted);
      assert.deepEqual(
        [column('distance')?.verdict, column('distance')?.missing.verdict],
        ['stable', 'drifted'],
      );
      assert.deepEqual([column('hour')?.verdict, column('hour')?.missing.verdict], ['no-data', 'drifted']);
      assert.deepEqual(column('origin')?.newCategories.examples, [{ value: 'XYZ', count: 60 }]);
      assert.deepEqual([health.requests, health.failed, health.refused, health.verdict], [602, 1, 1, 'good']);
      assert.equal(health.errorRatio.value, 1 / 601);
      assert.deepEqual(summary?.driftedColumns.slice().sort(), ['distance', 'hour', 'origin']);
    });

    test('half a window does not stand for all of it', async (t) => {
      const { service, send, advance, train } = await openMonitoring(t, open);
      await service.configure(ada, 'flights', spec);
      const version = await train();
      await service.addReference(ada, 'flights', { modelVersion: '1', datasetVersionId: version.id });
      await send(makeRows(1, dayAt(0), 900, { distance: 80 }).filter((row) => row.eventTimeMs < dayAt(0.5)));
      await advance(dayAt(1));
      const [window] = await service.windows(ada, { endpoint: 'flights', limit: 1 });
      const { drift } = await service.window(ada, window?.id ?? '');
      assert.deepEqual(
        drift.map((c) => [c.verdict, c.missing.verdict]),
        Array.from({ length: 3 }, () => ['insufficient', 'insufficient']),
      );
      assert.match(
        drift[0]?.reason ?? '',
        /^distance: the version answered in 11 h 58 min of the window only/,
      );

      // Traffic in the morning only is all there is: that is the whole of the second day.
      await send(makeRows(2, dayAt(1), 900, { distance: 80 }).filter((row) => row.eventTimeMs < dayAt(1.3)));
      await advance(dayAt(2));
      const [second] = await service.windows(ada, { endpoint: 'flights', limit: 1 });
      assert.deepEqual(second?.driftedColumns, ['distance']);
    });

    test('a version that no longer answers has its alerts resolved', async (t) => {
      const { service, send, advance, train } = await openMonitoring(t, open);
      await service.configure(ada, 'flights', { ...spec, persistence: { windows: 1, outOf: 1 } });
      const version = await train();
      await service.addReference(ada, 'flights', { modelVersion: '1', datasetVersionId: version.id });
      await send(makeRows(1, dayAt(0), 500, { distance: 80 }));
      assert.equal((await advance(dayAt(1))).alertsOpened, 1);
      await send(makeRows(2, dayAt(1), 500, { distance: 80, modelVersion: '2' }));
      assert.equal((await advance(dayAt(2))).alertsResolved, 1);
      const [alert] = await service.alerts(ada, { limit: 1 });
      assert.match(alert?.resolution ?? '', /version 1 no longer answers; version 2 does/);
    });

    test('an aborted rollout is an alert of its own, told once, open until a later one succeeds', async (t) => {
      const { service, send, advance, journal, db, jobs } = await openMonitoring(t, open);
      await service.configure(ada, 'flights', {
        ...spec,
        alerts: [{ webhook: 'https://example.test/hook' }],
      });
      const told = {
        endpoint: 'flights',
        modelVersion: '2',
        subject: 'rollout/7',
        reason: 'version 2 is worse',
        beganMs: dayAt(0),
        endedMs: dayAt(1) - 1,
      };
      for (let i = 0; i < 2; i++) await db.write((tx) => service.rolloutAborted(tx, ada, told));
      // Version 1 answers: that alone does not end an alert about version 2.
      await send(makeRows(1, dayAt(0), 300, {}));
      await advance(dayAt(1));
      const [alert, ...others] = await service.alerts(ada, { endpoint: 'flights', limit: 10 });
      alertSchema.parse(alert);
      assert.deepEqual(others, []);
      assert.deepEqual(
        [alert?.kind, alert?.severity, alert?.state, alert?.modelVersion, alert?.evidence[0]?.window.id],
        ['rollout', 'bad', 'open', '2', 'rollout/7'],
      );
      assert.equal((await jobs.list({ kind: 'alert-delivery', limit: 10 })).length, 1);
      const later = { endpoint: 'flights', modelVersion: '3', endedMs: dayAt(2) };
      await db.write((tx) => service.rolloutPromoted(tx, ada, later));
      const [resolved] = await service.alerts(ada, { endpoint: 'flights', limit: 10 });
      assert.deepEqual([resolved?.state, resolved?.resolution], ['resolved', 'version 3 was rolled out']);
      const events = await journal.eventsAfter(0, 1000, { kind: 'endpoint', id: 'flights' });
      assert.deepEqual(
        events.map((e) => e.type).filter((type) => type.startsWith('alert.')),
        ['alert.opened', 'alert.resolved'],
      );
    });

    test('what is open about an endpoint is over when it is retired, but for what a replica has', async (t) => {
      const { service, db } = await openMonitoring(t, open);
      const told = { modelVersion: '2', subject: 'rollout/7', reason: 'worse', beganMs: 0, endedMs: 1 };
      for (const endpoint of ['flights', 'others'])
        await db.write((tx) => service.rolloutAborted(tx, ada, { ...told, endpoint }));
      const damaged = { endpoint: 'flights', file: 's1', problem: null, rowsRead: null, rowsLost: null };
      await service.logDamaged(ada, 'edge', [damaged]);
      await db.write((tx) => service.endpointRetired(tx, ada, 'flights'));
      const alerts = await service.alerts(ada, { limit: 10 });
      assert.deepEqual(
        alerts.map(({ endpoint, kind, state, resolution }) => [endpoint, kind, state, resolution]).sort(),
        [
          ['flights', 'log-damage', 'open', null],
          ['flights', 'rollout', 'resolved', 'the endpoint was retired'],
          ['others', 'rollout', 'open', null],
        ],
      );
    });

    test('a damaged file of a log is told once, and is over when it is mended or gone', async (t) => {
      const { service, send, advance } = await openMonitoring(t, open);
      await service.configure(ada, 'flights', spec);
      const damaged = (name: string, rowsLost: number | null) => ({
        endpoint: 'flights',
        file: `/log/${name}.damaged.rows`,
        problem: 'its header is gone',
        rowsRead: rowsLost === null ? null : 40,
        rowsLost,
      });
      for (let i = 0; i < 2; i++)
        await service.logDamaged(ada, 'edge', [damaged('s1', 1), damaged('s2', null)]);
      await service.logDamaged(ada, 'other', [damaged('s1', 1)]);
      // Another model answers: that does not mend a disk.
      await send(makeRows(1, dayAt(0), 300, {}));
      await advance(dayAt(1));
      const alerts = await service.alerts(ada, { endpoint: 'flights', state: 'open', limit: 10 });
      for (const alert of alerts) alertSchema.parse(alert);
      assert.deepEqual(
        alerts.map((a) => [a.kind, a.subject, a.evidence[0]?.window.id, a.evidence[0]?.value]).sort(),
        [
          ['log-damage', '/log/s1.damaged.rows', 'edge', 1],
          ['log-damage', '/log/s1.damaged.rows', 'other', 1],
          ['log-damage', '/log/s2.damaged.rows', 'edge', null],
        ],
      );
      assert.match(alerts.at(-1)?.reason ?? '', /40 rows of it are in the log, 1 row of it is not/);
      assert.match(alerts.at(-1)?.reason ?? '', /name it s1-mended\.sealed\.rows and start/);
      await service.acknowledge(ada, alerts.at(-1)?.id ?? '', 'the disk is changed tomorrow');
      await service.logDamaged(ada, 'edge', [damaged('s2', null)]);
      const states = await service.alerts(ada, { endpoint: 'flights', limit: 10 });
      assert.deepEqual(
        states.map((a) => [a.evidence[0]?.window.id, a.state]),
        [
          ['other', 'open'],
          ['edge', 'open'],
          ['edge', 'resolved'],
        ],
      );
      await service.logDamaged(ada, 'edge', []);
      assert.equal((await service.alerts(ada, { state: 'unresolved', limit: 10 })).length, 1);
    });

    test('segments that control cannot read are one alert for each endpoint, which says what to put back', async (t) => {
      const { service } = await openMonitoring(t, open);
      const segment = (id: string, rows: number) => ({
        id,
        endpoint: 'flights',
        family: 'prediction' as const,
        digest: `sha256:${id}`,
        rows,
        minEventTimeMs: dayAt(0),
        maxEventTimeMs: dayAt(1),
        why: 'its file is missing',
      });
      const unresolved = async () => service.alerts(ada, { state: 'unresolved', limit: 10 });
      for (let i = 0; i < 2; i++) await service.segmentsSetAside(ada, [segment('s1', 40)]);
      const [alert, ...others] = await unresolved();
      assert.deepEqual([others.length, alert?.subject, alert?.evidence[0]?.value], [0, 'segment s1', 40]);
      assert.match(alert?.reason ?? '', /40 predictions from 20.* \(blob sha256:s1\): its file is missing/);
      await service.segmentsSetAside(
        ada,
        ['s1', 's2', 's3', 's4'].map((id) => segment(id, 40)),
      );
      const [more, ...rest] = await unresolved();
      assert.deepEqual([rest.length, more?.subject], [0, 'segment s1 and 3 more']);
      await service.segmentsSetAside(ada, []);
      assert.deepEqual(await unresolved(), []);
    });

    test('a replica that is away or has the wrong time is told once for each endpoint, and is over when it is well', async (t) => {
      const { service, send, advance } = await openMonitoring(t, open);
      await service.configure(ada, 'flights', spec);
      const edge = {
        replicaId: 'edge',
        endpoints: ['flights', 'rides'],
        awaySinceMs: null,
        presenceIsKnown: true,
        clockAheadMs: 5,
        clockIsOff: false,
        otherKeyEndpoints: [],
      };
      const shown = async (...replicas: WatchedReplica[]) => {
        for (let i = 0; i < 2; i++) await service.replicasWatched(ada, replicas);
        const alerts = await service.alerts(ada, { state: 'unresolved', limit: 10 });
        for (const alert of alerts) alertSchema.parse(alert);
        return alerts.map((a) => `${a.kind} ${a.subject} ${a.endpoint}`).sort();
      };
      assert.deepEqual(await shown(edge), []);
      const away = { ...edge, awaySinceMs: dayAt(0), clockAheadMs: null, clockIsOff: null };
      const both = ['replica-away edge flights', 'replica-away edge rides'];
      assert.deepEqual(await shown(away), both);
      await send(makeRows(1, dayAt(0), 300, {}));
      await advance(dayAt(1));
      const unknown = { ...away, awaySinceMs: null, presenceIsKnown: false };
      assert.deepEqual(await shown(unknown), both, 'a control that has just started does not know');
      const late = { ...edge, clockAheadMs: -90_000, clockIsOff: true };
      assert.deepEqual(await shown(late), ['replica-clock edge flights', 'replica-clock edge rides']);
      const [alert] = await service.alerts(ada, { state: 'open', limit: 1 });
      assert.match(alert?.reason ?? '', /clock of replica "edge" is 90 s slow: .* Set it right/);
      assert.deepEqual(await shown({ ...away, endpoints: ['flights'] }), [
        'replica-away edge flights',
        'replica-clock edge flights',
      ]);
      assert.deepEqual(await shown(), [], 'forgotten');
      const all = await service.alerts(ada, { endpoint: 'flights', limit: 10 });
      assert.deepEqual(
        all.map((a) => a.resolution),
        ['replica "edge" is forgotten', 'replica "edge" is forgotten', 'replica "edge" is back'],
      );
      const otherKey = { ...edge, otherKeyEndpoints: ['rides'] };
      assert.deepEqual(await shown(otherKey), ['replica-hash-key edge rides'], 'flights hashes nothing');
      const [ofKey] = await service.alerts(ada, { endpoint: 'rides', state: 'open', limit: 1 });
      assert.match(ofKey?.reason ?? '', /"edge" hashes .* another key than control: .*log-hash\.key/);
      assert.deepEqual(await shown(edge), [], 'its key is control’s now');
    });

    test('a control that was restored says once for each endpoint what it lost, until a person has seen it', async (t) => {
      const { service } = await openMonitoring(t, open);
      await service.configure(ada, 'flights', spec);
      const told = { replicaId: 'edge', endpoints: ['flights', 'rides'], fromMs: dayAt(0), toMs: dayAt(1) };
      for (let i = 0; i < 2; i++) await service.controlRestored(ada, told);
      await service.replicasWatched(ada, []);
      const unresolved = () => service.alerts(ada, { state: 'unresolved', limit: 10 });
      const alerts = await unresolved();
      for (const alert of alerts) alertSchema.parse(alert);
      assert.deepEqual(alerts.map((a) => `${a.kind} ${a.subject} ${a.endpoint}`).sort(), [
        'restored edge flights',
        'restored edge rides',
      ]);
      const ofFlights = alerts.find((a) => a.endpoint === 'flights');
      const span = `between about ${formatTime(dayAt(0))} and ${formatTime(dayAt(1))}`;
      assert.ok(ofFlights?.reason.includes(span), ofFlights?.reason);
      const seen = await service.acknowledge(ada, ofFlights?.id ?? '', 'labels are sent again');
      assert.deepEqual([seen.state, seen.acknowledgedReason], ['resolved', 'labels are sent again']);
      assert.deepEqual(
        (await unresolved()).map((a) => a.endpoint),
        ['rides'],
      );
    });

    test('an endpoint that no loop looks after is looked after by the schedule', async (t) => {
      const { service, send, watermarks, db } = await openMonitoring(t, open);
      await service.configure(ada, 'flights', spec);
      const started: string[] = [];
      const schedule = new MonitorSchedule({
        db,
        monitoring: service,
        log: createLogger('test', 'silent'),
        clock: { nowMs: () => dayAt(2) + 1 },
        start: async (_, endpoint, key) => void started.push(`${endpoint} ${key}`),
      });
      await watermarks.configure(ada, 'flights', { mode: 'replay' });
      await send(makeRows(1, dayAt(0), 100, {}));
      await schedule.tick();
      await watermarks.advance(ada, 'flights', dayAt(1) - 1);
      await schedule.tick();
      assert.equal(await service.dueSince(ada, 'flights'), undefined);
      await watermarks.advance(ada, 'flights', dayAt(1));
      assert.equal(await service.dueSince(ada, 'flights'), dayAt(0));
      await schedule.tick();
      assert.deepEqual(started, []);
      await schedule.tick();
      const hour = dayAt(2) / 3_600_000;
      assert.deepEqual(started, [`flights monitor/flights/${dayAt(0)}/${hour}`]);
      await service.run(ada, 'flights');
      assert.equal(await service.dueSince(ada, 'flights'), undefined);
      await watermarks.advance(ada, 'flights', dayAt(3));
      assert.equal(await service.dueSince(ada, 'flights'), dayAt(0), 'its performance has matured');
    });

    test('settings are kept, secrets are not shown, and what is unknown is named', async (t) => {
      const { service } = await openMonitoring(t, open);
      const alerts = [{ webhook: 'https://example.org/hook', secret: 'quiet' }];
      const monitor = await service.configure(ada, 'flights', { window: 'week', alerts });
      assert.equal(monitor.spec.window, 'week');
      assert.deepEqual(monitor.spec.alerts, [{ webhook: 'https://example.org/hook', signed: true }]);
      const { updatedAt } = await service.configure(ada, 'flights', { window: 'week', alerts });
      assert.equal(updatedAt, monitor.updatedAt);
      assert.deepEqual(await service.run(ada, 'unknown'), {
        closed: 0,
        matured: 0,
        revised: 0,
        alertsOpened: 0,
        alertsResolved: 0,
      });
      await assert.rejects(service.monitor(ada, 'unknown'), { code: 'not_found' });
      await assert.rejects(
        service.addReference(ada, 'flights', { modelVersion: '1', datasetVersionId: 'gone' }),
        { code: 'not_found', message: /dataset version "gone"/ },
      );
      await assert.rejects(service.window(ada, 'gone'), { code: 'not_found' });
      await assert.rejects(service.acknowledge(ada, 'gone', ''), { code: 'not_found' });
    });
  });
});
