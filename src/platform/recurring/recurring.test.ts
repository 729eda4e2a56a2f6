import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as settled } from 'node:timers/promises';
import { createLogger } from '../log/index.ts';
import { Recurring } from './index.ts';

test('work that fails is done again; the log has a failure once, its change and its end', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const log = createLogger('test', 'silent');
  const lines: string[] = [];
  t.mock.method(log, 'error', (found: { err: Error }, line: string) =>
    lines.push(`${found.err.message}: ${line}`),
  );
  t.mock.method(log, 'info', (line: string) => lines.push(line));
  const fate: (string | null)[] = ['disk full', 'disk full', 'no connection', null, null, 'disk full'];
  let turns = 0;
  const run = async () => {
    const problem = fate[turns++];
    if (problem) throw new Error(problem);
  };
  const recurring = new Recurring();
  const work = { everyMs: 5000, doing: 'moving the watermarks', run, log };
  recurring.start(work);
  recurring.start(work);
  for (const _ of fate) {
    t.mock.timers.tick(5000);
    await settled();
  }
  recurring.stop();
  t.mock.timers.tick(5000);
  assert.equal(turns, fate.length);
  const failed =
    'moving the watermarks failed: it is tried again every 5 s, and told of again when this changes';
  assert.deepEqual(lines, [
    `disk full: ${failed}`,
    `no connection: ${failed}`,
    'moving the watermarks works again',
    `disk full: ${failed}`,
  ]);
});
