import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { askModel, deployModel, postJson, putJson } from './seed.ts';
import {
  accessibilityProblems,
  openBrowser,
  openPage,
  screenshotThemes,
  startServer,
  THEMES,
} from './support/index.ts';

const DAY = 86_400_000;
const START = Date.UTC(2001, 0, 1);

function csv(path: string, rows: number): void {
  const lines = Array.from({ length: rows }, (_, row) => {
    const at = new Date(START - (rows - row) * 3_600_000).toISOString();
    return `${at},station-${row % 7},${(row % 10) / 5},1,${row % 3 === 0 ? 1 : 0}`;
  });
  writeFileSync(path, ['day,station,x1,x2,high', ...lines].join('\n'));
}

async function registerTides(url: string, directory: string): Promise<string> {
  const path = join(directory, 'tides.csv');
  csv(path, 600);
  const made = await postJson<{ version: { id: string } }>(`${url}/api/v1/dataset-versions`, {
    dataset: 'tides',
    source: { path },
    time: 'day',
    entity: 'station',
    label: 'high',
  });
  return made.version.id;
}

test('a loop whose script fails: home asks for a look, the turn says why, the step has the log', async (t) => {
  const server = await startServer(t);
  const browser = await openBrowser(t);
  const { page, problems } = await openPage(browser, { baseUrl: server.url });
  await page.goto('/');
  await page.getByText('No loop yet').waitFor();
  const datasetVersionId = await registerTides(server.url, server.dataDirectory);
  const text = `loop: tide
data: { source: "dataset:tides", time: day, entity: station, label: { column: high, positive: "1" } }
train: { run: "sh fail.sh" }
`;
  await postJson(`${server.url}/api/v1/loops`, { text, datasetVersionId });
  await page.getByRole('article', { name: 'tide' }).waitFor();
  await page.getByText('Waiting for you (1)').waitFor();
  assert.match((await page.locator('#favicon').getAttribute('href')) ?? '', /favicon-bad/);
  assert.deepEqual(await accessibilityProblems(page), []);
  await screenshotThemes(page, 'home-failed');

  await page.getByRole('link', { name: /turn 1 failed/ }).click();
  await page.getByRole('heading', { level: 1, name: /tide, turn 1/ }).waitFor();
  await page.getByRole('heading', { name: 'Why it failed' }).waitFor();
  await page.getByRole('button', { name: 'Retry' }).waitFor();
  await page
    .getByRole('link', { name: /^failed train|train/ })
    .first()
    .click();
  const panel = page.getByRole('complementary', { name: 'Step' });
  await panel.getByRole('region', { name: 'Log' }).waitFor();
  await panel.getByRole('region', { name: 'Inputs' }).waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.goto(`/steps?step=${new URL(page.url()).searchParams.get('step')}`);
  await panel.getByRole('button', { name: /^[0-9a-f-]{36}$/ }).click();
  await panel.getByRole('button', { name: 'Copied' }).waitFor();
  const subject = page.getByRole('textbox', { name: 'Subject' });
  await subject.fill('no such step');
  await page.getByRole('button', { name: 'Clear' }).click();
  assert.equal(await subject.inputValue(), '');
  await followsItsLog(page);

  await page.goto('/loops/tide');
  await page.getByText('Round the circle').waitFor();
  await page.getByRole('region', { name: 'Loop file' }).getByText('sh fail.sh').waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('dialog').getByRole('textbox').fill('the script is being corrected');
  await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
  await page.getByRole('button', { name: 'Resume' }).waitFor();
  assert.deepEqual(problems, []);
});

/** The open step as one that runs and writes 40 lines between two looks: its last line is in sight until somebody scrolls up. */
async function followsItsLog(page: Page): Promise<void> {
  let written = 0;
  await page.route(/\/step-runs\/[^/]+$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: { ...(await response.json()), status: 'running' } });
  });
  await page.route(/\/step-runs\/.+\/logs/, async (route) => {
    const items = Array.from({ length: 40 }, () => {
      written += 1;
      return {
        number: written,
        attempt: 1,
        at: '2001-01-01T00:00:00Z',
        stream: 'stdout',
        text: `epoch ${written}.`,
      };
    });
    await route.fulfill({ json: { items } });
  });
  await page.reload();
  const log = page.getByRole('complementary', { name: 'Step' }).getByRole('region', { name: 'Log' });
  const lastInSight = async (last: number) =>
    page.waitForFunction(
      ([box, text]) =>
        box?.textContent?.endsWith(text) && box.scrollHeight - box.scrollTop - box.clientHeight < 2,
      [await log.elementHandle(), `epoch ${last}.`] as const,
    );
  await log.waitFor();
  await lastInSight(40);
  await lastInSight(80);
  await log.evaluate((box) => box.scrollTo({ top: 0 }));
  await log.getByText('epoch 120.').waitFor({ state: 'attached' });
  assert.equal(await log.evaluate((box) => box.scrollTop), 0);
  await page.unrouteAll();
}

test('monitoring: closed windows appear by themselves, with quality, drift and the comparison of a column', async (t) => {
  const server = await startServer(t);
  const browser = await openBrowser(t);
  await postJson(`${server.url}/api/v1/watermarks/tide`, { mode: 'replay' });
  await deployModel(server.url, 'tide');
  const { page, problems } = await openPage(browser, { baseUrl: server.url });
  await page.goto('/monitoring');
  await page.getByRole('heading', { name: 'Not watched yet' }).waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.getByRole('button', { name: 'Watch it' }).click();
  await page.getByText('No window has closed yet').waitFor();
  const datasetVersionId = await registerTides(server.url, server.dataDirectory);
  const monitor = `${server.url}/api/v1/monitors/tide`;
  await putJson(monitor, { window: 'day', drift: { minRows: 10 }, performance: { minLabels: 10 } });
  await postJson(`${monitor}/references`, {
    modelVersion: '1',
    datasetVersionId,
    scoresDigest: null,
  });

  const ids = await askModel(server.serveUrl, 'tide', 96, START);
  await postJson(`${server.url}/api/v1/labels`, {
    endpoint: 'tide',
    labels: ids.map((predictionId, index) => ({
      predictionId,
      value: index % 3 === 0 ? 1 : 0,
      eventTime: START + index * 3_600_000 + 60_000,
    })),
  });
  await postJson(`${server.url}/api/v1/watermarks/tide`, {
    to: new Date(START + 4 * DAY).toISOString(),
  });

  await page.getByRole('heading', { name: 'Quality' }).waitFor();
  await page.getByRole('img', { name: /^Log loss: 4 windows from Jan 1/ }).waitFor();
  await page.getByRole('button', { name: 'Show as a table' }).first().click();
  await page.getByRole('region', { name: 'Values' }).getByText('24 labels').first().waitFor();
  await page.getByRole('button', { name: /x1/ }).click();
  await page.waitForURL(/column=x1/);
  await page
    .getByRole('complementary', { name: 'Column' })
    .getByText(/Wasserstein|Jensen/)
    .waitFor();
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme });
    await page.waitForFunction((wanted) => document.documentElement.dataset.theme === wanted, theme);
    assert.deepEqual(await accessibilityProblems(page), [], theme);
  }
  await screenshotThemes(page, 'monitoring');
  assert.deepEqual(problems, []);
});
