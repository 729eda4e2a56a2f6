import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

// Makes objects, drops them all, and tells what is resident then and some quiet seconds later: five, and more where
// it is still to be given back on a machine that is busy.
const program = (givesBack: boolean) => `
  ${givesBack ? `(await import('${new URL('./give-memory-back.ts', import.meta.url)}')).giveMemoryBack();` : ''}
  let kept = [];
  for (let turn = 0; turn < 400; turn++) {
    kept.push(Array.from({ length: 2000 }, (_, i) => ({ i, text: 'v' + Math.random() })));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const afterLoad = process.memoryUsage.rss();
  kept = [];
  const left = () => process.memoryUsage.rss() / afterLoad;
  for (let second = 0; second < ${givesBack ? '60 && left() >= 0.5' : '5'}; second++) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  console.log(left());`;

async function residentRatio(givesBack: boolean): Promise<number> {
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program(givesBack)];
  return Number((await promisify(execFile)(process.execPath, args)).stdout);
}

test('after a load what is not used goes back to the system', async () => {
  const [kept = 1, given = 1] = await Promise.all([false, true].map(residentRatio));
  assert.ok(
    given < 0.7 && given < kept - 0.2,
    `of the resident memory ${kept} is left without, ${given} with it`,
  );
});

test('a process that may open no more files goes on', async () => {
  const program = `
    import { openSync } from 'node:fs';
    import { giveMemoryBack, QuietCollection } from '${new URL('./index.ts', import.meta.url)}';
    giveMemoryBack();
    try { for (;;) openSync('/dev/null'); } catch (error) { console.log(error.code); }
    new QuietCollection();
    await new Promise((resolve) => setTimeout(resolve, 1200));
    console.log('on');`;
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', '--input-type=module', '--eval'];
  const { stdout } = await promisify(execFile)('sh', [
    '-c',
    'ulimit -n 100; exec "$@"',
    'sh',
    ...node,
    program,
  ]);
  assert.equal(stdout, 'EMFILE\non\n');
});
