import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings } from '../platform/config/index.ts';
import { ownUrlOf } from './urls.ts';

test('control is reached at any address that it listens on', () => {
  const urlAt = (host: string): string => ownUrlOf(readSettings(['--host', host], {}));
  assert.deepEqual(
    ['127.0.0.1', '0.0.0.0', '::', '::1', 'millrace.local'].map(urlAt),
    ['127.0.0.1', '127.0.0.1', '127.0.0.1', '[::1]', 'millrace.local'].map((host) => `http://${host}:7600`),
  );
});
