import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createExperiment, createRun, postJson } from './seed.ts';
import {
  accessibilityProblems,
  openBrowser,
  openPage,
  screenshotThemes,
  startServer,
} from './support/index.ts';

test('runs: live, comparable, filtered by the URL, opened by keyboard', async (t) => {
  const server = await startServer(t, { role: 'control' });
  const browser = await openBrowser(t);
  const { page, problems } = await openPage(browser, { baseUrl: server.url });
  await page.goto('/runs');
  await page.getByText('No runs yet').waitFor();

  const experiment = await createExperiment(server.url, 'tides');
  for (let index = 0; index < 5; index += 1) {
    await createRun(
      server.url,
      experiment,
      `run-${index}`,
      { depth: String(index % 2) },
      {
        auc: [0.6 + index / 50],
        loss: Array.from({ length: 40 }, (_, step) => 1 / (step + 1 + index)),
      },
    );
  }
  await page.getByRole('link', { name: 'run-4' }).waitFor();
  // Its metrics come a moment after the run.
  await page.getByRole('grid', { name: 'Runs' }).getByText('0.680').waitFor();

  await page.getByLabel('Filter runs').fill('metrics.auc > 0.63');
  await page.keyboard.press('Enter');
  await page.waitForURL(/filter=metrics\.auc/);
  await page.getByText('All 3 runs shown').waitFor();
  await page.reload();
  await page.getByText('All 3 runs shown').waitFor();

  await page.goto('/runs?filter=metrics.auc%20%3E%3E%200.63');
  await page.getByRole('alert').waitFor();
  await page.goto('/runs');
  await page.getByRole('link', { name: 'run-4' }).waitFor();
  const expected = problems.filter((problem) => !problem.includes('400'));
  assert.deepEqual(expected, []);

  await page.getByRole('link', { name: 'Datasets' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL('**/datasets');
  await page.goBack();
  await page.getByRole('link', { name: 'run-4' }).waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/runs\/[0-9a-f]{32}/);
  await page.getByRole('heading', { name: 'run-4' }).waitFor();
  await page.getByRole('link', { name: /^Charts/ }).click();
  await page.getByRole('img', { name: /^loss over step: 40 points/ }).waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await screenshotThemes(page, 'run');
});

test('datasets: a version appears by itself and opens beside the list with its own address', async (t) => {
  const server = await startServer(t, { role: 'control' });
  const browser = await openBrowser(t);
  const { page, problems } = await openPage(browser, { baseUrl: server.url });
  await page.goto('/datasets');
  await page.getByText('No dataset yet').waitFor();
  const file = join(server.dataDirectory, 'tides.csv');
  const rows = Array.from(
    { length: 200 },
    (_, row) => `2001-01-${String((row % 28) + 1).padStart(2, '0')},${row % 7},${row % 3 === 0}`,
  );
  writeFileSync(file, ['day,level,high', ...rows].join('\n'));
  await postJson(`${server.url}/api/v1/dataset-versions`, {
    dataset: 'tides',
    source: { path: file },
    time: 'day',
    label: 'high',
  });
  await page.getByRole('row', { name: /1 200 3/ }).click();
  await page.waitForURL(/version=/);
  const panel = page.getByRole('complementary', { name: 'Dataset version' });
  await panel.getByText('level', { exact: true }).waitFor();
  await page.reload();
  await panel.getByText('boolean, label').waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.keyboard.press('Escape');
  await panel.waitFor({ state: 'hidden' });
  assert.deepEqual(problems, []);
});

test('a list that is being read stands still; newer rows are announced', async (t) => {
  const server = await startServer(t, { role: 'control' });
  const browser = await openBrowser(t);
  const { page, problems } = await openPage(browser, { baseUrl: server.url });
  const experiment = await createExperiment(server.url, 'many');
  for (let index = 0; index < 60; index += 1)
    await createRun(server.url, experiment, `old-${index}`, {}, { auc: [0.6] });
  await page.goto('/runs');
  await page.getByRole('link', { name: 'old-59', exact: true }).waitFor();
  await page.mouse.move(700, 500);
  await page.mouse.wheel(0, 700);
  await page.waitForFunction(() => (document.querySelector('[role=grid]')?.scrollTop ?? 0) > 400);
  await createRun(server.url, experiment, 'brand-new', {}, { auc: [0.7] });
  await page.getByRole('button', { name: /Runs have changed/ }).click();
  await page.getByRole('link', { name: 'brand-new' }).waitFor();
  assert.deepEqual(problems, []);
});

test('erasures: begun on the screen, refused where the reason names the entity, followed to the end', async (t) => {
  const server = await startServer(t, { role: 'control' });
  await postJson(`${server.url}/api/v1/endpoints`, { name: 'tide', model: 'sea-level' });
  const at = '2026-03-01T00:00:00Z';
  const labels = [{ entity: 'customer-81', at, value: 1, eventTime: at }];
  await postJson(`${server.url}/api/v1/labels`, { endpoint: 'tide', labels });
  const { page, problems } = await openPage(await openBrowser(t), { baseUrl: server.url });
  await page.goto('/');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('x');
  await page.getByText('Nothing was erased yet').waitFor();
  await page.getByRole('button', { name: 'Erase an entity' }).click();
  const dialog = page.getByRole('dialog');
  const why = dialog.getByRole('textbox', { name: /^Why/ });
  await dialog.getByRole('textbox', { name: /^Entity/ }).fill('customer-81');
  await why.fill('customer-81 wants it');
  await dialog.getByRole('button', { name: 'Erase for good' }).click();
  await dialog.getByText(/it names the entity/).waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await why.fill('request 117');
  await dialog.getByRole('button', { name: 'Erase for good' }).click();
  const panel = page.getByRole('complementary', { name: 'Erasure' });
  await panel.getByText('1 label that waited').waitFor();
  await panel.getByText('done', { exact: true }).waitFor();
  await page.reload();
  await panel.getByText('request 117').waitFor();
  assert.ok(!(await page.content()).includes('customer-81'));
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.keyboard.press('Escape');
  await page.getByRole('cell', { name: '1 label that waited' }).waitFor();
  assert.deepEqual(
    problems.filter((problem) => !problem.includes('400')),
    [],
  );
});
