import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preview } from './preview.ts';

const message = (role: string, content: unknown) => ({ role, content });

test('the preview of a chat is what was said last', () => {
  const messages = [message('user', 'first'), message('user', 'second'), message('assistant', 'answer')];
  const request = JSON.stringify({ messages });
  assert.equal(preview(request, 'user'), 'second');
  assert.equal(preview(request, 'assistant'), 'answer');
  assert.equal(preview(JSON.stringify({ input: [message('system', 'rules')] }), 'user'), 'rules');
  assert.equal(
    preview(JSON.stringify({ choices: [{ message: message('assistant', 'yes') }] }), 'assistant'),
    'yes',
  );
  const parts = [{ type: 'image_url' }, { type: 'output_text', text: 'seen' }];
  const output = { output: [{ type: 'reasoning' }, message('assistant', parts)] };
  assert.equal(preview(JSON.stringify(output), 'assistant'), 'seen');
  assert.equal(preview(JSON.stringify({ request: { messages } }), 'user'), 'second');
});

test('the preview of anything else is its beginning', () => {
  for (const text of [
    '{"x": 1}',
    '"plain"',
    'no JSON',
    '{"messages": []}',
    '{"messages": [{"role": 1}]}',
    '[1]',
  ])
    assert.equal(preview(text, 'user'), text);
  assert.equal(preview(undefined, 'user'), null);
  assert.equal(preview('a'.repeat(1000), 'user')?.length, 1000);
  const long = preview(JSON.stringify({ messages: [message('user', 'b'.repeat(1001))] }), 'user');
  assert.equal(long, `${'b'.repeat(997)}...`);
});
