import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEventStreamParser } from './event-stream.ts';

test('messages are put together across chunks', () => {
  const parse = createEventStreamParser();
  assert.deepEqual(parse(': hello\n\nid: 7\nevent: turn.cha'), []);
  assert.deepEqual(parse('nged\ndata: {"a":\ndata: 1}\n'), []);
  assert.deepEqual(parse('\n'), [{ id: '7', event: 'turn.changed', data: '{"a":\n1}' }]);
});

test('carriage returns, the last id and empty messages', () => {
  const parse = createEventStreamParser();
  assert.deepEqual(parse('id: 1\r\ndata: x\r\n\r\nevent: ping\r\n\r\ndata: y\r\n\r\n'), [
    { id: '1', event: 'message', data: 'x' },
    { id: '1', event: 'message', data: 'y' },
  ]);
});
