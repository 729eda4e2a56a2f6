import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueryClient } from '@tanstack/react-query';
import { createLiveHub, touchedBy } from './live.ts';

test('each kind of event makes old what it changes, and the audit trail', () => {
  assert.deepEqual(touchedBy('run.logged'), ['experiments', 'runs', 'run-columns', 'audit', 'events']);
  assert.ok(touchedBy('turn.changed').includes('endpoints'));
  assert.ok(touchedBy('model.promoted').includes('registry'));
  assert.ok(touchedBy('window.matured').includes('windows'));
  assert.ok(touchedBy('label-segment.sealed').includes('feedback'));
  assert.deepEqual(touchedBy('something.new'), ['audit', 'events']);
});

test('what was read before the first connection is read again: nobody told of its changes', async (t) => {
  const queries = new QueryClient();
  queries.setQueryData(['loops'], 'old');
  t.mock.method(globalThis, 'fetch', async (_url: string, { signal }: { signal: AbortSignal }) => {
    const start = (body: ReadableStreamDefaultController) =>
      signal.addEventListener('abort', () => body.error(signal.reason));
    return new Response(new ReadableStream({ start }));
  });
  const hub = createLiveHub(queries, 'http://control/api/v1/events');
  const live = new Promise<void>((resolve) => hub.subscribe(resolve));
  t.after(hub.start());
  await live;
  await Promise.resolve();
  assert.deepEqual([hub.read().status, queries.getQueryState(['loops'])?.isInvalidated], ['live', true]);
});
