/** What the first screen loads, gzipped: the page, scripts, styles and fonts that Chromium asks for. Fails above the limit. */
import { gzipSync } from 'node:zlib';
import { openBrowser, openPage } from '../e2e/support/index.ts';
import { startServer } from '../test/support/server.ts';
import { type Figure, meetsAim, report } from './support/index.ts';

const LIMIT_KB = 260;
const ASSETS = new Set(['document', 'script', 'stylesheet', 'font', 'image']);

const cleanup: (() => void | Promise<void>)[] = [];
const after = (fn: () => void | Promise<void>): void => void cleanup.unshift(fn);
try {
  const server = await startServer({ after }, { role: 'control' });
  const browser = await openBrowser({ after });
  const { page } = await openPage(browser, { baseUrl: server.url });
  const sizes: Promise<{ path: string; kB: number }>[] = [];
  page.on('response', (response) => {
    if (!ASSETS.has(response.request().resourceType())) return;
    sizes.push(
      response.body().then((body) => ({
        path: new URL(response.url()).pathname,
        kB: gzipSync(body, { level: 9 }).length / 1000,
      })),
    );
  });
  await page.goto('/');
  await page.locator('main').waitFor();
  await page.waitForTimeout(1_000);
  const files = (await Promise.all(sizes)).sort((a, b) => b.kB - a.kB);
  for (const { path, kB } of files) console.log(`  ${kB.toFixed(1).padStart(7)} kB  ${path}`);
  const figure: Figure = {
    name: 'first screen, gzipped',
    value: files.reduce((sum, file) => sum + file.kB, 0),
    unit: 'kB',
    aim: { most: LIMIT_KB, of: 'value' },
  };
  report(figure);
  if (!meetsAim(figure)) process.exitCode = 1;
} finally {
  for (const fn of cleanup) await fn();
}
