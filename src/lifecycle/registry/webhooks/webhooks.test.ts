import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, test } from 'node:test';
import { sql } from 'kysely';
import type { Actor } from '../../../platform/access/index.ts';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import { createLogger } from '../../../platform/log/index.ts';
import { fernetBox, newFernetKey } from '../../../platform/secrets/index.ts';
import { refused, tester } from '../../experiments/testing.ts';
import { webhookEventNames } from './contract.ts';
import { createWebhooks } from './service.ts';
import { openWebhooks, receiver } from './testing.ts';
import { WebhookWorker } from './worker.ts';

const all = [...webhookEventNames];
const signal = new AbortController().signal;
const about = { name: 'all', url: 'https://hooks.example/', events: all };

forEachDatabase((dialect, open) => {
  describe(`webhooks on ${dialect}`, () => {
    test("every change of MLflow's list is told of in its words, and what was rolled back is not", async (t) => {
      const { registry, webhooks } = await openWebhooks(t, open);
      await webhooks.create(tester, about);
      await webhooks.create(tester, { ...about, name: 'off', status: 'DISABLED' });
      await webhooks.create(tester, { ...about, name: 'some', events: ['prompt_tag.set'] });
      const promptTag = { key: 'mlflow.prompt.is_prompt', value: 'true' };
      const kind = { key: '_mlflow_prompt_type', value: 'text' };
      const tag = { key: 'team', value: 'ops' };
      await registry.createModel(tester, { name: 'late', tags: [tag] });
      const source = 's3://bucket/model';
      await registry.registerVersion(tester, { name: 'late', source, tags: [tag], description: 'first' });
      await registry.setModelTag(tester, 'late', tag);
      await registry.setVersionTag(tester, 'late', 1, tag);
      await registry.deleteVersionTag(tester, 'late', 1, 'team');
      await registry.setAlias(tester, { name: 'late', alias: 'best', version: 1 });
      await registry.setAlias(tester, { name: 'late', alias: 'best', version: 1 });
      await registry.clearAlias(tester, { name: 'late', alias: 'best' });
      await registry.clearAlias(tester, { name: 'late', alias: 'best' });
      await assert.rejects(registry.setAlias(tester, { name: 'late', alias: 'best', version: 9 }));
      await assert.rejects(registry.createModel(tester, { name: 'late', tags: [] }));
      await registry.createModel(tester, { name: 'hello', tags: [promptTag, kind, tag], description: 'hi' });
      await registry.setModelTag(tester, 'hello', { key: 'x', value: 'y' });
      await registry.deleteModelTag(tester, 'hello', 'x');
      const text = { key: 'mlflow.prompt.text', value: 'Hello {{name}}!' };
      const prompt = { name: 'hello', source: 'prompt-template', tags: [promptTag, kind, text, tag] };
      await registry.registerVersion(tester, prompt);
      await registry.setVersionTag(tester, 'hello', 1, tag);
      await registry.deleteVersionTag(tester, 'hello', 1, 'team');
      await registry.setAlias(tester, { name: 'hello', alias: 'prod', version: 1 });
      await registry.clearAlias(tester, { name: 'hello', alias: 'prod' });

      const { items } = await webhooks.deliveries(tester, { limit: 100 });
      const details = await Promise.all(items.map(({ id }) => webhooks.delivery(tester, id)));
      const told = details.map(({ webhookName, body }) => {
        const { entity, action, timestamp, data } = JSON.parse(body);
        assert.equal(timestamp, '2096-10-02T07:06:40.000000+00:00');
        return [webhookName, `${entity}.${action}`, data];
      });
      const byEvent = (event: string) =>
        told.filter(([name, e]) => name === 'all' && e === event).map(([, , data]) => data);
      const tags = { team: 'ops' };
      const late = { name: 'late', version: '1' };
      const hello = { name: 'hello', version: '1' };
      assert.deepEqual(byEvent('registered_model.created'), [{ name: 'late', tags, description: '' }]);
      const made = { ...late, source, run_id: null, tags, description: 'first' };
      assert.deepEqual(byEvent('model_version.created'), [made]);
      assert.deepEqual(byEvent('model_version_tag.set'), [{ ...late, ...tag }]);
      assert.deepEqual(byEvent('model_version_tag.deleted'), [{ ...late, key: 'team' }]);
      const best = { ...late, alias: 'best' };
      // Also of requests that change nothing, as MLflow's server does.
      assert.deepEqual(byEvent('model_version_alias.created'), [best, best]);
      const gone = { name: 'late', alias: 'best' };
      assert.deepEqual(byEvent('model_version_alias.deleted'), [gone, gone]);
      assert.deepEqual(byEvent('prompt.created'), [{ name: 'hello', tags, description: 'hi' }]);
      const template = 'Hello {{name}}!';
      assert.deepEqual(byEvent('prompt_version.created'), [{ ...hello, template, tags, description: null }]);
      assert.deepEqual(byEvent('prompt_tag.set'), [{ name: 'hello', key: 'x', value: 'y' }]);
      assert.deepEqual(byEvent('prompt_tag.deleted'), [{ name: 'hello', key: 'x' }]);
      assert.deepEqual(byEvent('prompt_version_tag.set'), [{ ...hello, ...tag }]);
      assert.deepEqual(byEvent('prompt_version_tag.deleted'), [{ ...hello, key: 'team' }]);
      assert.deepEqual(byEvent('prompt_alias.created'), [{ ...hello, alias: 'prod' }]);
      assert.deepEqual(byEvent('prompt_alias.deleted'), [{ name: 'hello', alias: 'prod' }]);
      assert.equal(told.length, 17);
      assert.deepEqual(
        told.filter(([name]) => name !== 'all').map(([name, event]) => [name, event]),
        [['some', 'prompt_tag.set']],
      );
    });

    test('promotion and rollback tell of the aliases that they move', async (t) => {
      const { registry, webhooks } = await openWebhooks(t, open);
      await webhooks.create(tester, about);
      for (const n of ['1', '2'])
        await registry.createVersion(tester, { name: 'late', digest: `sha256:${n.repeat(64)}` });
      const reason = 'test';
      await registry.promote(tester, 'late', { version: 1, reason });
      await registry.setAlias(tester, { name: 'late', alias: 'challenger', version: 2, reason });
      await registry.promote(tester, 'late', { version: 2, reason });
      await registry.rollback(tester, 'late', { reason });
      const { items } = await webhooks.deliveries(tester, { limit: 100 });
      const events = items.map(({ event }) => event).filter((event) => event.includes('alias'));
      const set = 'model_version_alias.created';
      assert.deepEqual(events.sort(), [set, set, set, set, 'model_version_alias.deleted']);
    });

    test('a delivery is signed, tried again until it is taken, and never sent once more by itself', async (t) => {
      const { registry, webhooks, jobs, time, journal } = await openWebhooks(t, open);
      const { url, got } = await receiver(t, [503, 429]);
      await webhooks.create(tester, { ...about, url, secret: 'quiet' });
      await registry.createModel(tester, { name: 'late', tags: [] });
      const [delivery] = (await webhooks.deliveries(tester, { limit: 1 })).items;
      const id = delivery?.id ?? '';
      const state = async () => {
        const { status, attempts, responseStatus, error } = await webhooks.delivery(tester, id);
        return [status, attempts, responseStatus, error];
      };
      const waiting = async () =>
        (await jobs.list({ kind: 'webhook-delivery', limit: 10 })).map(
          ({ payload }) => (payload as { inputs: { attempt: number } }).inputs.attempt,
        );
      assert.deepEqual(await waiting(), [1]);
      await webhooks.attempt(id, 1, signal);
      assert.deepEqual(await state(), ['pending', 1, 503, 'answered 503 Service Unavailable']);
      const { nextAttemptAt } = await webhooks.delivery(tester, id);
      assert.equal(Date.parse(nextAttemptAt ?? ''), time.nowMs + 1_000);
      await webhooks.attempt(id, 1, signal);
      assert.deepEqual([got.length, (await waiting()).sort()], [1, [1, 2]]);
      time.nowMs += 1_000;
      await webhooks.attempt(id, 2, signal);
      assert.deepEqual(await state(), ['pending', 2, 429, 'answered 429 Too Many Requests']);
      time.nowMs += 4_000;
      await webhooks.attempt(id, 3, signal);
      assert.deepEqual(await state(), ['delivered', 3, 200, null]);
      assert.equal((await webhooks.delivery(tester, id)).responseBody, 'noted');
      await webhooks.attempt(id, 3, signal);
      assert.equal(got.length, 3);
      for (const { headers, body } of got) {
        assert.equal(headers['x-mlflow-delivery-id'], id);
        assert.equal(headers['content-type'], 'application/json');
        const signed = `${id}.${headers['x-mlflow-timestamp']}.${body}`;
        const mac = createHmac('sha256', 'quiet').update(signed).digest('base64');
        assert.equal(headers['x-mlflow-signature'], `v1,${mac}`);
      }
      const times = got.map(({ headers }) => Number(headers['x-mlflow-timestamp']));
      assert.deepEqual(
        times,
        [0, 1, 5].map((s) => 4_000_000_000 + s),
      );
      const events = (await journal.eventsAfter(0, 100)).map((event) => event.type);
      assert.equal(events.at(-1), 'webhook-delivery.delivered');
      const [webhook] = (await webhooks.list(tester, { limit: 1 })).items;
      assert.deepEqual([webhook?.pendingCount, webhook?.failedCount, webhook?.isSigned], [0, 0, true]);
      assert.equal(Date.parse(webhook?.lastDeliveredAt ?? ''), time.nowMs);
    });

    test('a delivery that nobody takes is given up with a record, and sent again on demand', async (t) => {
      const { registry, webhooks, time } = await openWebhooks(t, open, { maxRetries: 1 });
      const { url, got } = await receiver(t, [500, 500, 302, 400, 200], { location: 'http://127.0.0.1:1/' });
      const webhook = await webhooks.create(tester, { ...about, url });
      const made = async (name: string) => {
        await registry.createModel(tester, { name, tags: [] });
        time.nowMs += 1;
        const [delivery] = (await webhooks.deliveries(tester, { limit: 1 })).items;
        return delivery?.id ?? '';
      };
      const state = async (id: string) => {
        const { status, attempts, responseStatus, error, nextAttemptAt } = await webhooks.delivery(
          tester,
          id,
        );
        assert.equal(nextAttemptAt === null, status !== 'pending');
        return [status, attempts, responseStatus, error];
      };
      const first = await made('a');
      await webhooks.attempt(first, 1, signal);
      await assert.rejects(webhooks.redeliver(tester, first), refused('delivery_pending'));
      await webhooks.attempt(first, 2, signal);
      assert.deepEqual(await state(first), ['failed', 2, 500, 'answered 500 Internal Server Error']);
      const second = await made('b');
      await webhooks.attempt(second, 1, signal);
      const redirect = 'answered 302 Found; redirects are not followed';
      assert.deepEqual(await state(second), ['failed', 1, 302, redirect]);
      const third = await made('c');
      await webhooks.attempt(third, 1, signal);
      assert.deepEqual(await state(third), ['failed', 1, 400, 'answered 400 Bad Request']);
      assert.equal((await webhooks.get(tester, webhook.id)).failedCount, 3);
      const failed = await webhooks.deliveries(tester, { status: 'failed', webhook: webhook.id, limit: 2 });
      assert.deepEqual(
        failed.items.map(({ id }) => id),
        [third, second],
      );
      const rest = await webhooks.deliveries(tester, {
        status: 'failed',
        limit: 2,
        after: failed.next ?? '',
      });
      assert.deepEqual(
        rest.items.map(({ id }) => id),
        [first],
      );
      assert.equal((await webhooks.redeliver(tester, first)).status, 'pending');
      await webhooks.attempt(first, 3, signal);
      assert.deepEqual(await state(first), ['delivered', 3, 200, null]);
      assert.deepEqual(new Set(got.map((g) => g.headers['x-mlflow-delivery-id'])).size, 3);
      assert.equal(got[0]?.headers['x-mlflow-signature'], undefined);
    });

    test('a receiver that asks for patience gets it', async (t) => {
      const { registry, webhooks, time } = await openWebhooks(t, open);
      const { url } = await receiver(t, [503], { 'retry-after': '120' });
      await webhooks.create(tester, { ...about, url });
      await registry.createModel(tester, { name: 'late', tags: [] });
      const [delivery] = (await webhooks.deliveries(tester, { limit: 1 })).items;
      await webhooks.attempt(delivery?.id ?? '', 1, signal);
      const { nextAttemptAt } = await webhooks.delivery(tester, delivery?.id ?? '');
      assert.equal(Date.parse(nextAttemptAt ?? ''), time.nowMs + 120_000);
    });

    test('a name that turns to a private address is not called', async (t) => {
      const { url, got } = await receiver(t);
      const { port } = new URL(url);
      let address = '93.184.216.34';
      const { registry, webhooks } = await openWebhooks(t, open, {
        allowPrivateAddresses: false,
        resolve: async () => [address],
      });
      await webhooks.create(tester, { ...about, url: `http://rebind.example:${port}/` });
      address = '127.0.0.1';
      await registry.createModel(tester, { name: 'late', tags: [] });
      const [delivery] = (await webhooks.deliveries(tester, { limit: 1 })).items;
      await webhooks.attempt(delivery?.id ?? '', 1, signal);
      const { status, error } = await webhooks.delivery(tester, delivery?.id ?? '');
      assert.equal(status, 'failed');
      assert.match(error ?? '', /rebind\.example.* is at 127\.0\.0\.1, which is not a public address/);
      assert.equal(got.length, 0);
    });

    test('what waits for a webhook that is disabled or gone is cancelled', async (t) => {
      const { registry, webhooks } = await openWebhooks(t, open);
      const { url, got } = await receiver(t);
      const one = await webhooks.create(tester, { ...about, url, name: 'one' });
      const two = await webhooks.create(tester, { ...about, url, name: 'two' });
      await registry.createModel(tester, { name: 'late', tags: [] });
      const { items } = await webhooks.deliveries(tester, { limit: 10 });
      await webhooks.update(tester, one.id, { status: 'DISABLED' });
      await webhooks.delete(tester, two.id);
      for (const { id } of items) await webhooks.attempt(id, 1, signal);
      const ends = (await webhooks.deliveries(tester, { limit: 10 })).items;
      assert.deepEqual(ends.map((d) => [d.webhookName, d.status, d.error]).sort(), [
        ['one', 'cancelled', 'the webhook is disabled'],
        ['two', 'cancelled', 'the webhook was deleted'],
      ]);
      assert.equal(got.length, 0);
      const gone = ends.find((d) => d.webhookName === 'two')?.id ?? '';
      await assert.rejects(webhooks.redeliver(tester, gone), refused('webhook_unknown'));
      await assert.rejects(
        webhooks.get(tester, two.id),
        refused('webhook_unknown', /Webhook with ID .* not found\./),
      );
    });

    test('secrets are kept sealed and never shown; another key says what is wrong', async (t) => {
      const { db, deps, registry, webhooks, journal } = await openWebhooks(t, open);
      const { url, got } = await receiver(t);
      const webhook = await webhooks.create(tester, { ...about, url, secret: 'quiet' });
      assert.equal((await webhooks.test(tester, webhook.id)).success, true);
      await webhooks.update(tester, webhook.id, { secret: 'hushed' });
      await registry.createModel(tester, { name: 'late', tags: [] });
      const shown = JSON.stringify([
        await webhooks.list(tester, { limit: 10 }),
        await webhooks.deliveries(tester, { limit: 10 }),
        await journal.auditEntries({ limit: 100 }),
        await journal.eventsAfter(0, 100),
      ]);
      assert.doesNotMatch(shown, /quiet|hushed/);
      const { rows } = await sql<{ sealed_secret: string }>`
        SELECT sealed_secret FROM webhooks`.execute(db.read);
      assert.ok(rows[0]?.sealed_secret && !/quiet|hushed/.test(rows[0].sealed_secret));
      assert.equal(deps.secrets.open(rows[0].sealed_secret), 'hushed');

      const elsewhere = createWebhooks({
        ...deps,
        secrets: fernetBox(newFernetKey(), '--webhook-secret-key'),
      });
      const [delivery] = (await webhooks.deliveries(tester, { limit: 1 })).items;
      await elsewhere.attempt(delivery?.id ?? '', 1, signal);
      const { status, error } = await webhooks.delivery(tester, delivery?.id ?? '');
      assert.equal(status, 'failed');
      assert.match(error ?? '', /cannot be read with the key of --webhook-secret-key/);
      assert.equal(got.length, 1);
      await webhooks.update(tester, webhook.id, { secret: '' });
      assert.equal((await webhooks.get(tester, webhook.id)).isSigned, false);
    });

    test('what may not be a webhook, and who may not make one', async (t) => {
      const { webhooks } = await openWebhooks(t, open, {
        allowPrivateAddresses: false,
        resolve: async (host) => {
          if (host === 'nowhere.example') throw Object.assign(new Error('getaddrinfo ENOTFOUND'), {});
          return host === 'inside.example' ? ['10.0.0.1'] : ['93.184.216.34'];
        },
      });
      const job: Actor = { kind: 'job', id: 'step-1' };
      await assert.rejects(webhooks.create(job, about), refused('forbidden'));
      const bad: readonly (readonly [object, RegExp])[] = [
        [
          { name: '-x' },
          /^Webhook name '-x' is invalid\. It must start and end with a letter or digit, be less than 63 characters long, and contain only letters, digits, dots \(\.\), underscores \(_\), and hyphens \(-\)\.$/,
        ],
        [{ name: 'x'.repeat(64) }, /is invalid/],
        [{ url: '   ' }, /^Webhook URL cannot be empty or just whitespace: ' {3}'$/],
        [
          { url: 'ftp://a.example' },
          /^Invalid webhook URL scheme: 'ftp'\. Allowed schemes are: https, http\.$/,
        ],
        [
          { url: 'http://[invalid' },
          /^Invalid webhook URL 'http:\/\/\[invalid': ValueError\('Invalid IPv6 URL'\)$/,
        ],
        [{ url: 'https:///x' }, /^Webhook URL must include a hostname: 'https:\/\/\/x'$/],
        [
          { url: 'https://inside.example/' },
          /^Webhook URL must not resolve to a non-public IP address\. 'inside\.example' resolves to 10\.0\.0\.1\.$/,
        ],
        [
          { url: 'https://nowhere.example/' },
          /^Cannot resolve Webhook URL hostname 'nowhere\.example': \[Errno -2\] Name or service not known$/,
        ],
        [{ url: 'https://127.0.0.1/' }, /'127\.0\.0\.1' resolves to 127\.0\.0\.1\.$/],
        [{ events: [] }, /^Webhook events must be a non-empty list of WebhookEvent objects: \[\]\.$/],
        [
          { events: ['model_version_tag.created'] },
          /^Invalid action 'created' for entity 'model_version_tag'\. Valid actions are: \['deleted', 'set'\]$/,
        ],
      ];
      const made = await webhooks.create(tester, about);
      for (const [change, message] of bad) {
        const isRefused = refused('tracking_invalid', message);
        await assert.rejects(webhooks.create(tester, { ...about, ...change }), isRefused);
        await assert.rejects(webhooks.update(tester, made.id, change), isRefused);
      }
      await assert.rejects(
        webhooks.list(tester, { limit: 1001 }),
        refused('tracking_invalid', /^max_results must be between 1 and 1000\.$/),
      );
      assert.equal((await webhooks.list(tester, { limit: 10 })).items.length, 1);
    });

    test('pages of webhooks, newest first', async (t) => {
      const { webhooks, tick } = await openWebhooks(t, open);
      for (const name of ['a', 'b', 'c']) {
        await webhooks.create(tester, { ...about, name });
        tick();
      }
      const page = await webhooks.list(tester, { limit: 2 });
      const rest = await webhooks.list(tester, { limit: 2, after: page.next ?? '' });
      const names = [page, rest].map(({ items }) => items.map(({ name }) => name));
      assert.deepEqual([names, rest.next], [[['c', 'b'], ['a']], null]);
    });

    test('the worker brings what waits, several at once, and leaves the rest for the next start', async (t) => {
      const { db, registry, webhooks, jobs, clock, tick } = await openWebhooks(t, open);
      const { url, got } = await receiver(t);
      await webhooks.create(tester, { ...about, url });
      for (const name of ['a', 'b', 'c', 'd']) await registry.createModel(tester, { name, tags: [] });
      const log = createLogger('test', 'silent');
      const worker = new WebhookWorker({ db, jobs, clock, webhooks, log, slots: 2 });
      worker.start();
      const delivered = async () =>
        (await webhooks.deliveries(tester, { status: 'delivered', limit: 10 })).items.length;
      while ((await delivered()) < 4) await new Promise((resolve) => setTimeout(resolve, 10));
      await worker.stop();
      assert.equal(got.length, 4);
      tick();
      await registry.createModel(tester, { name: 'e', tags: [] });
      const [waiting] = await jobs.list({ kind: 'webhook-delivery', status: 'queued', limit: 10 });
      await db.write((tx) => jobs.cancel(tx, waiting?.id ?? '', 'not wanted'));
      const [last] = (await webhooks.deliveries(tester, { limit: 1 })).items;
      assert.deepEqual([last?.status, last?.error], ['cancelled', 'cancelled: not wanted']);
    });
  });
});
