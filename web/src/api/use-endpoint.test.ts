import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { useEndpoint } from './use-endpoint.ts';

const kept = new Map<string, string>();
Object.defineProperty(globalThis, 'localStorage', {
  configurable: true,
  value: { getItem: (key: string) => kept.get(key) ?? null },
});
beforeEach(() => kept.clear());

/** The endpoint that a screen opens on; `newest` is the one with the newest rows, undefined while that is not known. */
function opensOn(asked: string | undefined, names: readonly string[], newest?: string | null): string {
  const client = new QueryClient();
  if (newest !== undefined) client.setQueryData(['newest-log', names], newest);
  const Screen = () => useEndpoint(asked, names) ?? 'none yet';
  return renderToStaticMarkup(createElement(QueryClientProvider, { client }, createElement(Screen)));
}

test('a screen opens on the endpoint of its address, else on the one looked at last, else on the busiest', () => {
  assert.equal(opensOn(undefined, ['ebb', 'tide'], 'tide'), 'tide');
  kept.set('millrace.endpoint', 'ebb');
  assert.equal(opensOn(undefined, ['ebb', 'tide'], 'tide'), 'ebb');
  assert.equal(opensOn('tide', ['ebb', 'tide'], 'ebb'), 'tide');
});

test('one that is gone is not opened again, and nothing is while the newest rows are looked for', () => {
  kept.set('millrace.endpoint', 'gone');
  assert.equal(opensOn(undefined, ['ebb', 'tide'], 'tide'), 'tide');
  assert.equal(opensOn(undefined, ['ebb', 'tide']), 'none yet');
});

test('without rows it is the first, alone it is the only one, and of none there is none', () => {
  assert.equal(opensOn(undefined, ['ebb', 'tide'], null), 'ebb');
  assert.equal(opensOn(undefined, ['ebb']), 'ebb');
  assert.equal(opensOn(undefined, []), 'none yet');
});
