import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../db/testing.ts';
import { addRoutes, createHttpServer, listen } from '../http/index.ts';
import { createLogger } from '../log/index.ts';
import { Registry } from '../metrics/index.ts';
import { eventRoutes, Journal, journalMigrations } from './index.ts';

forEachDatabase((name, open) => {
  test(`${name}: a stream of events has those after a number, then each as it comes`, async (t) => {
    const db = await open(t, journalMigrations);
    const journal = new Journal(db);
    const happen = (from: number, to: number) =>
      db.write(async (tx) => {
        for (let id = from; id <= to; id++) {
          const subject = { kind: 'thing', id: String(id) };
          await journal.appendEvent(tx, { type: 'thing.made', subject, data: {} });
        }
      });
    const app = createHttpServer({
      log: createLogger('test', 'silent'),
      metrics: new Registry('test'),
      bodyLimitBytes: 1000,
      resolveActor: async () => ({ kind: 'user', id: 'ann' }),
    });
    addRoutes(app, eventRoutes(journal));
    t.after(() => app.close());
    const url = `http://127.0.0.1:${await listen(app, '127.0.0.1', 0, '--port')}/api/v1/events`;
    // More than are read at once.
    const before = 600;
    await happen(1, before);
    const abort = new AbortController();
    const headers = { accept: 'text/event-stream' };
    const response = await fetch(`${url}?after=1`, { headers, signal: abort.signal });
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    const numbers = () => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    const read = async (count: number) => {
      while (numbers().length < count) text += (await reader?.read())?.value ?? '';
    };
    await read(before - 1);
    for (let id = before + 1; id <= before + 20; id++) await happen(id, id);
    await read(before + 19);
    abort.abort();
    assert.deepEqual(
      numbers(),
      Array.from({ length: before + 19 }, (_, i) => i + 2),
    );
  });
});
