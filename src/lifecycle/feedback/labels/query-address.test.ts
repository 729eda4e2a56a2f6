import assert from 'node:assert/strict';
import { test } from 'node:test';
import { everyText } from '../../../platform/db/index.ts';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import { labelQueryInputSchema } from '../contract.ts';
import { ada, openFeedbackService } from '../testing.ts';

forEachDatabase((dialect, open) => {
  test(`a query that is declared with its address as it is shown keeps the password, on ${dialect}`, async (t) => {
    const { service, options } = await openFeedbackService(t, open);
    const { labels } = service;
    const query = labelQueryInputSchema.parse({
      endpoint: 'flights',
      url: 'postgres://ann:hunter2@127.0.0.1:1/x',
      sql: 'SELECT 1',
    });
    const made = await labels.putQuery(ada, 'truth', query);
    assert.equal(made.url, 'postgres://ann:***@127.0.0.1:1/x');
    const kept = () => Array.fromAsync(everyText(options.db), ({ text }) => text);
    // What is sealed begins with its version and time.
    const sealed = async () => (await kept()).filter((text) => text.startsWith('gAAAA'));
    const before = await sealed();
    await labels.putQuery(ada, 'truth', { ...query, url: made.url, sql: 'SELECT 2' });
    assert.deepEqual([before.length, await sealed()], [1, before]);
    assert.doesNotMatch((await kept()).join('\n'), /hunter2/);
    const refused = { code: 'invalid_input', message: /^url: .*Give the password/ };
    await assert.rejects(labels.putQuery(ada, 'other', { ...query, url: made.url }), refused);
    const elsewhere = { ...query, url: 'postgres://ann:***@elsewhere:1/x' };
    await assert.rejects(labels.putQuery(ada, 'truth', elsewhere), refused);
  });
});
