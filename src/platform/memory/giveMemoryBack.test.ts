import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

// Churns for a second, keeps nothing, and tells what is resident then and five quiet seconds later.
const program = (keepsSmall: boolean) => `
  ${keepsSmall ? `(await import('${new URL('./giveMemoryBack.ts', import.meta.url)}')).giveMemoryBack();` : ''}
  let kept = [];
  for (const endMs = Date.now() + 1000; Date.now() < endMs; ) {
    kept.push(Array.from({ length: 2000 }, (_, i) => ({ i, text: 'v' + Math.random() })));
    if (kept.length > 100) kept = [];
    await new Promise((resolve) => setImmediate(resolve));
  }
  kept = [];
  const afterLoad = process.memoryUsage.rss();
  await new Promise((resolve) => setTimeout(resolve, 5000));
  console.log(process.memoryUsage.rss() / afterLoad);`;

function residentRatio(keepsSmall: boolean): number {
  const args = [
    '--disable-warning=ExperimentalWarning',
    '--input-type=module',
    '--eval',
    program(keepsSmall),
  ];
  return Number(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout);
}

test('after a load what is not used goes back to the system', () => {
  const [kept, given] = [residentRatio(false), residentRatio(true)];
  assert.ok(
    given < 0.7 && given < kept - 0.2,
    `of the resident memory ${kept} is left without, ${given} with it`,
  );
});
