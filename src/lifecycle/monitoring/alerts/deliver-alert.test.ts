import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { sql } from 'kysely';
import { everyText, migrate } from '../../../platform/db/index.ts';
import { forEachDatabase, type OpenDatabase } from '../../../platform/db/testing.ts';
import type { JobResource } from '../../../platform/jobs/index.ts';
import { monitorSpecSchema } from '../contract.ts';
import { ada, dayMs, makeRows, openMonitoring, startMs } from '../testing.ts';

/** A webhook that answers with these statuses in turn and keeps what it was sent. */
async function hook(t: TestContext, statuses: readonly number[]) {
  const got: {
    readonly headers: IncomingMessage['headers'];
    readonly body: string;
    readonly path: string | undefined;
  }[] = [];
  const server = createServer(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    got.push({ headers: request.headers, body, path: request.url });
    response.writeHead(statuses[got.length - 1] ?? 200).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`, got };
}

function deliveryOf(job: JobResource | undefined): string {
  return (
    (job?.payload as { readonly inputs: { readonly deliveryId: string } } | undefined)?.inputs.deliveryId ??
    ''
  );
}

forEachDatabase((name, open) => {
  describe(`alert deliveries on ${name}`, () => {
    test('an alert reaches its webhook, signed, tried again until it is taken', async (t) => {
      const { service, send, advance, train, jobs } = await openMonitoring(t, open);
      const { url, got } = await hook(t, [503, 200]);
      await service.configure(ada, 'flights', {
        persistence: { windows: 1, outOf: 1 },
        alerts: [{ webhook: url, secret: 'quiet' }],
      });
      const version = await train();
      await service.addReference(ada, 'flights', { modelVersion: '1', datasetVersionId: version.id });
      await send(makeRows(1, startMs, 500, { distance: 80 }));
      await advance(startMs + dayMs);

      const [job] = await jobs.list({ kind: 'alert-delivery', limit: 10 });
      const deliveryId = deliveryOf(job);
      const deliver = () => service.deliver(ada, deliveryId, new AbortController().signal);
      await assert.rejects(deliver(), { message: /webhook http.*answered 503/ });
      const state = async () => {
        const [alert] = await service.alerts(ada, { limit: 1 });
        return alert?.deliveries.map((d) => [d.event, d.state, d.attempts, d.httpStatus, d.signed]);
      };
      assert.deepEqual(await state(), [['alert.opened', 'pending', 1, 503, true]]);
      await deliver();
      assert.deepEqual(await state(), [['alert.opened', 'delivered', 2, 200, true]]);
      await deliver();
      assert.equal(got.length, 2);

      const { headers, body } = got[1] ?? { headers: {} as IncomingMessage['headers'], body: '' };
      const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
      const expected = createHmac('sha256', 'quiet').update(signed).digest('base64');
      assert.equal(headers['webhook-signature'], `v1,${expected}`);
      const sent = JSON.parse(body);
      assert.deepEqual([sent.event, sent.alert.subject], ['alert.opened', 'distance']);
      assert.equal(JSON.stringify(await service.alerts(ada, { limit: 1 })).includes('quiet'), false);
    });

    test('whom alerts are told to is kept sealed, shown by its end, and kept by what is shown', async (t) => {
      const { service, send, advance, jobs, db } = await openMonitoring(t, open);
      const { url, got } = await hook(t, []);
      const webhook = `${url}/T0AAAA/B0BBBB/cccccccc9fXq`;
      const made = await service.configure(ada, 'flights', { alerts: [{ webhook, secret: 'quietquiet' }] });
      const shown = `${new URL(url).origin}/***9fXq`;
      assert.deepEqual(made.spec.alerts, [{ webhook: shown, signed: true }]);
      const again = await service.configure(ada, 'flights', { alerts: [{ webhook: shown }] });
      assert.equal(again.updatedAt, made.updatedAt);
      const changed = await service.configure(ada, 'flights', {
        window: 'day',
        persistence: { windows: 1, outOf: 1 },
        alerts: [{ webhook: 'http://127.0.0.1:9/' }, { webhook: shown }],
      });
      assert.deepEqual(changed.spec.alerts[1], { webhook: shown, signed: true });
      await assert.rejects(
        service.configure(ada, 'flights', { alerts: [{ webhook: 'https://elsewhere.example/***abcd' }] }),
        {
          code: 'invalid_input',
          message: /alerts\[0\]\.webhook.*Give the whole address/,
        },
      );
      await send(makeRows(1, startMs, 100, {}).map((row) => ({ ...row, status: 'overloaded' })));
      await advance(startMs + dayMs);
      const [alert] = await service.alerts(ada, { limit: 1 });
      assert.deepEqual(
        alert?.deliveries.map((d) => [d.url, d.signed]),
        [
          ['http://127.0.0.1:9/', false],
          [shown, true],
        ],
      );
      const told = (await jobs.list({ kind: 'alert-delivery', limit: 10 })).find(
        (job) => deliveryOf(job) === alert?.deliveries[1]?.id,
      );
      await service.deliver(ada, deliveryOf(told), new AbortController().signal);
      assert.equal(got[0]?.path, new URL(webhook).pathname);
      assert.ok(got[0]?.headers['webhook-signature']);
      const texts = await Array.fromAsync(everyText(db), ({ table, text }) => `${table}: ${text}`);
      assert.doesNotMatch(texts.join('\n'), /cccccccc|quietquiet/);
    });

    test('whom alerts were told to before is sealed at the start', async (t) => {
      const { url, got } = await hook(t, []);
      const webhook = `${url}/T0AAAA/B0BBBB/cccccccc9fXq`;
      const spec = JSON.stringify({
        ...monitorSpecSchema.parse({}),
        alerts: [{ webhook, secret: 'quietquiet' }],
      });
      const openOld: OpenDatabase = async (context, migrations) => {
        const old = await open(
          context,
          migrations.filter(({ id }) => id !== 'monitoring-002' && id !== 'monitoring-003'),
        );
        await old.write(async (tx) => {
          await sql`INSERT INTO monitors VALUES ('flights', ${spec}, NULL, '', 0, 1)`.execute(tx);
          await sql`INSERT INTO alert_deliveries (id, alert_id, event, url, secret, body, state, attempts, error,
            updated_at_ms) VALUES ('d', 'a', 'alert.opened', ${webhook}, 'quietquiet', '{}', 'pending', 0,
            ${`"${webhook}" names no host`}, 1)`.execute(tx);
        });
        await migrate(old, migrations);
        return old;
      };
      const { service, db } = await openMonitoring(t, openOld);
      await service.sealTargets();
      await service.sealTargets();
      const texts = await Array.fromAsync(everyText(db), ({ table, text }) => `${table}: ${text}`);
      assert.doesNotMatch(texts.join('\n'), /cccccccc|quietquiet/);
      const { spec: kept, updatedAt } = await service.monitor(ada, 'flights');
      assert.deepEqual(kept.alerts, [{ webhook: `${new URL(url).origin}/***9fXq`, signed: true }]);
      const again = { alerts: [{ webhook, secret: 'quietquiet' }] };
      assert.equal((await service.configure(ada, 'flights', again)).updatedAt, updatedAt);
      await service.deliver(ada, 'd', new AbortController().signal);
      assert.equal(got[0]?.path, new URL(webhook).pathname);
      assert.ok(got[0]?.headers['webhook-signature']);
    });

    test('an address that may not be called is given up at once', async (t) => {
      const { service, send, advance, jobs } = await openMonitoring(t, open);
      await service.configure(ada, 'flights', { alerts: [{ webhook: 'https://127.0.0.1:9/none' }] });
      await send(makeRows(1, startMs, 100, {}).map((row) => ({ ...row, status: 'overloaded' })));
      await advance(startMs + dayMs);
      const [job] = await jobs.list({ kind: 'alert-delivery', limit: 1 });
      await service.deliver(ada, deliveryOf(job), new AbortController().signal);
      const [alert] = await service.alerts(ada, { limit: 1 });
      const [delivery] = alert?.deliveries ?? [];
      assert.deepEqual([delivery?.state, delivery?.attempts, delivery?.httpStatus], ['failed', 1, null]);
      assert.match(delivery?.error ?? '', /scheme of "https:.*is not allowed/);
    });

    test('a webhook that is not there is recorded with the reason', async (t) => {
      const { service, send, advance, jobs } = await openMonitoring(t, open);
      await service.configure(ada, 'flights', { alerts: [{ webhook: 'http://127.0.0.1:9/none' }] });
      const failing = makeRows(1, startMs, 100, {}).map((row) => ({ ...row, status: 'overloaded' }));
      await send(failing);
      assert.equal((await advance(startMs + dayMs)).alertsOpened, 1);
      const [alert] = await service.alerts(ada, { state: 'open', limit: 1 });
      assert.deepEqual([alert?.kind, alert?.severity], ['errors', 'bad']);
      const [job] = await jobs.list({ kind: 'alert-delivery', limit: 1 });
      const deliveryId = deliveryOf(job);
      await assert.rejects(service.deliver(ada, deliveryId, new AbortController().signal));
      const [after] = await service.alerts(ada, { limit: 1 });
      assert.deepEqual([after?.deliveries[0]?.state, after?.deliveries[0]?.httpStatus], ['pending', null]);
      assert.ok(after?.deliveries[0]?.error);

      const seen = await service.acknowledge(ada, alert?.id ?? '', 'known outage');
      assert.deepEqual(
        [seen.state, seen.acknowledgedBy, seen.acknowledgedReason],
        ['acknowledged', 'user:ada', 'known outage'],
      );
    });
  });
});
