import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueryClient } from '@tanstack/react-query';
import { stepLogQuery } from './step-log.ts';

const line = (number: number) => ({ number, attempt: 1, at: '', stream: 'stdout', text: `line ${number}` });

test('a log longer than one answer is read to its end and shown from there; read again, only what is new', async (t) => {
  const asked: string[] = [];
  let written = 12_000;
  t.mock.method(globalThis, 'fetch', async (url: string) => {
    const query = new URL(url, 'http://millrace').searchParams;
    asked.push(query.get('after') ?? 'the beginning');
    const from = Number(query.get('after') ?? 0);
    const count = Math.min(Number(query.get('limit')), written - from);
    return Response.json({ items: Array.from({ length: count }, (_, index) => line(from + index + 1)) });
  });
  const client = new QueryClient();
  const read = () => client.fetchQuery({ ...stepLogQuery('train'), staleTime: 0 });

  const log = await read();
  assert.deepEqual(asked, ['the beginning', '5000', '10000']);
  assert.deepEqual([log.leftOut, log.lines.length, log.lines.at(-1)?.text], [7000, 5000, 'line 12000']);

  written += 3;
  const later = await read();
  assert.deepEqual(asked.slice(3), ['12000']);
  assert.deepEqual([later.leftOut, later.lines[0]?.number, later.lines.at(-1)?.number], [7003, 7004, 12_003]);
});
