import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

// Makes objects, drops them all, and tells what is resident then and five quiet seconds later.
const program = (givesBack: boolean) => `
  ${givesBack ? `(await import('${new URL('./giveMemoryBack.ts', import.meta.url)}')).giveMemoryBack();` : ''}
  let kept = [];
  for (let turn = 0; turn < 400; turn++) {
    kept.push(Array.from({ length: 2000 }, (_, i) => ({ i, text: 'v' + Math.random() })));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const afterLoad = process.memoryUsage.rss();
  kept = [];
  await new Promise((resolve) => setTimeout(resolve, 5000));
  console.log(process.memoryUsage.rss() / afterLoad);`;

function residentRatio(givesBack: boolean): number {
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program(givesBack)];
  return Number(spawnSync(process.execPath, args, { encoding: 'utf8' }).stdout);
}

test('after a load what is not used goes back to the system', () => {
  const [kept, given] = [residentRatio(false), residentRatio(true)];
  assert.ok(
    given < 0.7 && given < kept - 0.2,
    `of the resident memory ${kept} is left without, ${given} with it`,
  );
});
