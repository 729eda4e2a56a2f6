import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sql } from 'kysely';
import { shownAddress } from '../../../core/shown-address.ts';
import { type Database, everyText, migrate } from '../../../platform/db/index.ts';
import { forEachDatabase, type OpenDatabase } from '../../../platform/db/testing.ts';
import { refused, tester } from '../../experiments/testing.ts';
import { openWebhooks, receiver } from './testing.ts';

const signal = new AbortController().signal;
const about = { name: 'chat', events: ['registered_model.created'] };
const token = 'T0AAAA/B0BBBB/cccccccc9fXq';

async function textsOf(db: Database): Promise<string> {
  const texts = await Array.fromAsync(everyText(db), ({ table, text }) => `${table}: ${text}`);
  return texts.join('\n');
}

forEachDatabase((dialect, open) => {
  describe(`addresses of webhooks on ${dialect}`, () => {
    test('are called whole, and nowhere shown or kept in the open', async (t) => {
      const { db, registry, webhooks } = await openWebhooks(t, open);
      const { url: base, got } = await receiver(t, [404]);
      const url = `${base}/${token}`;
      const made = await webhooks.create(tester, { ...about, url });
      assert.equal(made.url, `${new URL(base).origin}/***9fXq`);
      await registry.createModel(tester, { name: 'late', tags: [] });
      const [delivery] = (await webhooks.deliveries(tester, { limit: 1 })).items;
      await webhooks.attempt(delivery?.id ?? '', 1, signal);
      assert.equal((await webhooks.test(tester, made.id)).success, true);
      assert.deepEqual(
        got.map(({ path }) => path),
        [`/hook/${token}`, `/hook/${token}`],
      );
      assert.equal((await webhooks.delivery(tester, delivery?.id ?? '')).url, made.url);
      assert.doesNotMatch(await textsOf(db), /cccccccc/);
      await webhooks.delete(tester, made.id);
      assert.doesNotMatch(await textsOf(db), /cccccccc/);
    });

    test('an update that gives back what is shown keeps the address', async (t) => {
      const { webhooks } = await openWebhooks(t, open);
      const { url: base, got } = await receiver(t);
      const made = await webhooks.create(tester, { ...about, url: `${base}/${token}` });
      const changed = await webhooks.update(tester, made.id, { url: made.url, name: 'chat.2' });
      assert.deepEqual([changed.url, changed.name], [made.url, 'chat.2']);
      await webhooks.test(tester, made.id);
      const moved = await webhooks.update(tester, made.id, { url: `${base}/another/token/d0d0d0d0d0d0d0d0` });
      await webhooks.test(tester, made.id);
      assert.deepEqual(
        got.map(({ path }) => path),
        [`/hook/${token}`, '/hook/another/token/d0d0d0d0d0d0d0d0'],
      );
      const isRefused = refused('tracking_invalid', /only what is shown of an address/);
      await assert.rejects(webhooks.update(tester, made.id, { url: made.url }), isRefused);
      await assert.rejects(webhooks.create(tester, { ...about, url: moved.url }), isRefused);
    });

    test('those of before are sealed at the start', async (t) => {
      const { url: base, got } = await receiver(t);
      const url = `${base}/${token}`;
      const openOld: OpenDatabase = async (context, migrations) => {
        const db = await open(
          context,
          migrations.filter(({ id }) => id !== 'registry-013' && id !== 'registry-014'),
        );
        await db.write(async (tx) => {
          await sql`INSERT INTO webhooks (id, name, description, url, status, created_at_ms, updated_at_ms)
            VALUES ('w', 'old', '', ${url}, 'ACTIVE', 1, 1)`.execute(tx);
          await sql`INSERT INTO webhook_events VALUES ('w', 'registered_model.created')`.execute(tx);
          await sql`INSERT INTO webhook_deliveries (id, webhook_id, webhook_name, url, event, body, status, attempts,
            error, created_at_ms, updated_at_ms) VALUES ('d', 'w', 'old', ${url}, 'registered_model.created', '{}',
            'failed', 1, ${`the scheme of "${url}" is not allowed`}, 1, 1)`.execute(tx);
        });
        await migrate(db, migrations);
        return db;
      };
      const { db, webhooks } = await openWebhooks(t, openOld);
      await webhooks.sealAddresses();
      await webhooks.sealAddresses();
      assert.doesNotMatch(await textsOf(db), /cccccccc/);
      assert.equal((await webhooks.get(tester, 'w')).url, shownAddress(url));
      const delivery = await webhooks.delivery(tester, 'd');
      const refusal = `the scheme of "${shownAddress(url)}" is not allowed`;
      assert.deepEqual([delivery.url, delivery.error], [shownAddress(url), refusal]);
      assert.equal((await webhooks.test(tester, 'w')).success, true);
      assert.equal(got[0]?.path, `/hook/${token}`);
    });
  });
});
