import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { createExperiment, createRun, logFile, postJson } from './seed.ts';
import {
  accessibilityProblems,
  openBrowser,
  openPage,
  screenshotThemes,
  startServer,
  THEMES,
} from './support/index.ts';

/** Both themes without a fault of accessibility, and a picture of each. */
async function checkLooks(page: Page, name: string): Promise<void> {
  for (const theme of THEMES) {
    await page.emulateMedia({ colorScheme: theme });
    await page.waitForFunction((wanted) => document.documentElement.dataset.theme === wanted, theme);
    assert.deepEqual(await accessibilityProblems(page), [], `${name} ${theme}`);
  }
  await screenshotThemes(page, name);
}

const column = (page: Page, name: RegExp) => page.getByRole('columnheader', { name });

test('runs: sorted and filtered by the server, the error at its character, columns kept in the address', async (t) => {
  const server = await startServer(t, { role: 'control' });
  const experiment = await createExperiment(server.url, 'tides');
  for (let index = 0; index < 6; index += 1)
    await createRun(
      server.url,
      experiment,
      `run-${index}`,
      { depth: String(index), same: 'x' },
      { auc: [0.9, 0.6 + index / 50], loss: [1, 1 / (index + 1)] },
    );
  const browser = await openBrowser(t);
  const { page, problems } = await openPage(browser, { baseUrl: server.url });
  await page.goto(`/runs?experiment=${experiment}`);
  await page.getByText('6 runs in tides').waitFor();
  await column(page, /^depth/).waitFor();
  assert.equal(await column(page, /^same/).count(), 0, 'a param that is the same in all is not suggested');

  await column(page, /^auc/).getByRole('button').click();
  await page.waitForURL(/order=metrics\.auc/);
  await page.waitForFunction(() =>
    document.querySelector('[role=grid] [aria-rowindex="2"]')?.textContent?.includes('run-5'),
  );

  await page.getByRole('combobox', { name: 'Filter runs' }).fill('metrics.auc.max >> 0.8');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('character 18').waitFor();
  await page.getByRole('combobox', { name: 'Filter runs' }).fill('params.dep');
  await page.getByRole('option', { name: 'depth' }).click();
  // The completed key is in the field, with the caret behind it, a render later.
  await page.waitForFunction(() => {
    const field = document.activeElement;
    return (
      field instanceof HTMLInputElement && field.value === 'params.depth ' && field.selectionStart === 13
    );
  });
  await page.keyboard.type("IN ('1', '2')");
  await page.keyboard.press('Enter');
  await page.getByText('2 runs fit in tides').waitFor();

  await page.getByRole('button', { name: 'Columns' }).click();
  const picker = page.getByRole('dialog', { name: 'Columns' });
  await picker.getByRole('combobox', { name: 'Which value', exact: true }).selectOption('min');
  await picker.getByRole('textbox', { name: 'Search keys' }).fill('los');
  await picker.getByRole('checkbox', { name: 'auc' }).waitFor({ state: 'detached' });
  await picker.getByRole('checkbox', { name: 'loss' }).check();
  await page.keyboard.press('Escape');
  await page.waitForURL(/cols=.*min%28loss%29|cols=.*min\(loss\)/);
  await column(page, /^loss\s*min/).waitFor();
  await checkLooks(page, 'runs');
  await page.reload();
  await column(page, /^loss\s*min/).waitFor();
  await page.getByText('2 runs fit in tides').waitFor();
  assert.deepEqual(
    problems.filter((problem) => !problem.includes('400')),
    [],
  );
});

test('runs: children under their parents, compared by keyboard, deleted and brought back', async (t) => {
  const server = await startServer(t, { role: 'control' });
  const experiment = await createExperiment(server.url, 'tides');
  const parent = await createRun(server.url, experiment, 'search', { kind: 'grid' }, {});
  for (let index = 0; index < 3; index += 1) {
    const id = await createRun(
      server.url,
      experiment,
      `trial-${index}`,
      { lr: String(0.1 * (index + 1)), seed: '7' },
      { auc: [0.7 + index / 100] },
    );
    await postJson(`${server.url}/api/2.0/mlflow/runs/set-tag`, {
      run_id: id,
      key: 'mlflow.parentRunId',
      value: parent,
    });
  }
  const browser = await openBrowser(t);
  const { page, problems } = await openPage(browser, { baseUrl: server.url });
  await page.goto(`/runs?experiment=${experiment}&nested=yes`);
  await page.getByRole('button', { name: 'Unfold 3 child runs of search' }).click();
  await page.getByRole('link', { name: 'trial-0' }).waitFor();

  const grid = page.getByRole('grid', { name: 'Runs' });
  await grid.focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Shift+Space');
  await page.getByText('3 runs selected').waitFor();
  await page.keyboard.press('c');
  await page.getByRole('heading', { level: 1, name: 'Compare 3 runs' }).waitFor();
  await page.getByText('1 key differs').waitFor();
  await page.getByText('1 the same in all').waitFor();
  await checkLooks(page, 'compare');
  await page.getByRole('link', { name: 'Metrics', exact: true }).click();
  await page
    .getByRole('grid', { name: 'Metrics' })
    .getByText('best', { exact: true })
    .waitFor({ state: 'attached' });
  await page.getByRole('link', { name: 'Parallel' }).click();
  await page.getByRole('img', { name: '3 runs over lr, auc' }).waitFor();
  await page.getByRole('link', { name: 'Scatter' }).click();
  await page.getByRole('img', { name: 'auc against lr of 3 runs' }).waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);

  await page.goto(`/runs?experiment=${experiment}`);
  await page.getByRole('checkbox', { name: 'Select trial-1' }).click();
  await page.getByRole('toolbar', { name: 'Selected runs' }).getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('3 runs in tides').waitFor();
  await page.getByRole('combobox', { name: 'Which runs' }).selectOption('deleted');
  await page.getByRole('checkbox', { name: 'Select trial-1' }).click();
  await page.getByRole('button', { name: 'Restore' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Restore' }).click();
  await page.getByText('No deleted run').waitFor();
  assert.deepEqual(problems, []);
});

test('a run of 3,000 metrics and a list of 300 runs draw what is in sight only', async (t) => {
  const server = await startServer(t, { role: 'control' });
  const experiment = await createExperiment(server.url, 'wide');
  for (let index = 0; index < 300; index += 1)
    await createRun(server.url, experiment, `run-${index}`, { n: String(index) }, { loss: [index] });
  const wide = await createRun(server.url, experiment, 'wide', {}, { loss: [3, 2, 1] });
  for (let part = 0; part < 3; part += 1)
    await postJson(`${server.url}/api/2.0/mlflow/runs/log-batch`, {
      run_id: wide,
      metrics: Array.from({ length: 1000 }, (_, index) => ({
        key: `layer_${part}/weight_${index}`,
        value: index,
        step: 0,
        timestamp: 1,
      })),
    });
  const browser = await openBrowser(t);
  const { page, problems } = await openPage(browser, { baseUrl: server.url });
  const nodes = (): Promise<number> => page.evaluate(() => document.querySelectorAll('*').length);
  await page.goto(`/runs?experiment=${experiment}`);
  await page.getByText('301 runs in wide').waitFor();
  await page.getByRole('grid', { name: 'Runs' }).focus();
  await page.keyboard.press('End');
  await page.getByText('All 301 runs shown').waitFor();
  await page.keyboard.press('End');
  await page.getByRole('link', { name: 'run-0', exact: true }).waitFor();
  assert.ok((await nodes()) < 2500, `${await nodes()} elements`);

  await page.goto(`/runs/${wide}`);
  const metrics = page.getByRole('grid', { name: 'Metrics' });
  await metrics.getByText('layer_0/weight_0', { exact: true }).waitFor();
  assert.equal(await metrics.getAttribute('aria-rowcount'), '3002');
  assert.ok((await nodes()) < 2500, `${await nodes()} elements`);
  await page.getByRole('textbox', { name: 'Search metrics' }).fill('layer_2/weight_999');
  await metrics.getByText('layer_2/weight_999').click();
  await page.waitForURL(/tab=metrics/);
  await page.getByRole('heading', { name: 'layer_2/weight_999' }).waitFor();
  await page.getByRole('textbox', { name: 'Search metrics' }).fill('loss');
  await page.getByRole('img', { name: /^loss over step: 3 points, from 3 to 1/ }).waitFor();
  assert.ok((await nodes()) < 2500, `${await nodes()} elements`);
  assert.deepEqual(await accessibilityProblems(page), []);
  assert.deepEqual(problems, []);
});

test("a run's files: each kind is shown, and a page among them reaches nothing of ours", async (t) => {
  const server = await startServer(t, { role: 'control' });
  const experiment = await createExperiment(server.url, 'files');
  const run = await createRun(server.url, experiment, 'gallery', {}, {});
  const page1 =
    '<p id="x">still</p><script>let r; try { r = parent.document.title } catch { r = "closed in" } x.textContent = r</script>';
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  );
  // One row: port Brest, tide 7.5.
  const parquet = Buffer.from(
    'UEFSMRUAFR4VHiwVAhUAFQYVBhwAAAACAAAAAgEFAAAAQnJlc3QVABUcFRwsFQIVABUGFQYcAAAAAgAAAAIBAAAAAAAAHkAVBBk8NQAYBnNjaGVtYRUEABUMJQIYBHBvcnQlAEwcAAAAFQolAhgEdGlkZQAWAhkcGSwmABwVDBklBgAZGARwb3J0FQAWAhZEFkQmCEkcFQAVABUCADwWChkGGSYAAgAAACYAHBUKGSUGABkYBHRpZGUVABYCFkIWQiZMSRwVABUAFQIAPCkGGSYAAgAAABaGARYCJggWhgEAKCBwYXJxdWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI1LjAuMRksHAAAHAAAAMUAAABQQVIx',
    'base64',
  );
  const files: readonly (readonly [string, string | Buffer])[] = [
    ['report.md', '# Findings\n\n<script>alert(1)</script> and **bold**'],
    ['page.html', page1],
    ['table.json', '{"columns":["q","score"],"data":[["what?",0.5]]}'],
    ['rows.csv', 'a,b\n1,"two, three"\n'],
    ['rows.parquet', parquet],
    ['cut.parquet', parquet.subarray(0, 40)],
    ['tree.json', '{"layers":[{"size":64}],"name":"net"}'],
    ['log/train.log', 'first line\nsecond line\n'],
    ['weights.bin', Buffer.from([0, 1, 2, 255])],
    ['images/pred+step+3+timestamp+5+ab.png', png],
  ];
  for (const [path, bytes] of files) await logFile(server.url, experiment, run, path, bytes);
  const browser = await openBrowser(t);
  const { page, problems } = await openPage(browser, { baseUrl: server.url });
  await page.goto(`/runs/${run}?tab=files`);
  const open = (name: string): Promise<void> =>
    page.getByRole('link', { name: new RegExp(`^${name}`) }).click();
  await open('report.md');
  await page.getByRole('heading', { name: 'Findings' }).waitFor();
  await page.getByText('<script>alert(1)</script> and').waitFor();
  await checkLooks(page, 'run-files');
  await open('page.html');
  await page.frameLocator('iframe').getByText('still').waitFor();
  await page.getByRole('button', { name: 'Run its scripts' }).click();
  await page.frameLocator('iframe').getByText('closed in').waitFor();
  await open('table.json');
  await page.getByRole('grid', { name: 'Table table.json' }).getByText('what?').waitFor();
  await open('rows.csv');
  await page.getByText('two, three').waitFor();
  await open('rows.parquet');
  await page.getByRole('grid', { name: 'Table rows.parquet' }).getByText('Brest').waitFor();
  await page.getByText('1 row, 2 columns').waitFor();
  await open('cut.parquet');
  await page.getByText('No table to show').waitFor();
  await open('tree.json');
  await page.getByRole('region', { name: 'Content of tree.json' }).getByText('"net"').waitFor();
  await page.getByRole('button', { name: 'log' }).click();
  await open('train.log');
  await page.getByText('second line').waitFor();
  await open('weights.bin');
  await page.getByText('000000 00 01 02 ff').waitFor();
  await page.getByRole('link', { name: 'Images' }).click();
  await page.getByRole('img', { name: 'pred at step 3' }).waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  // A person's own words about a run: its name, a note, tags; and taken away again.
  await page.goto(`/runs/${run}`);
  const dialog = page.getByRole('dialog');
  const change = async (field: RegExp, text: string): Promise<void> => {
    await page.getByRole('button', { name: 'Change name, note and tags' }).click();
    await dialog.getByRole('textbox', { name: field }).fill(text);
    await dialog.getByRole('button', { name: 'Change' }).click();
    await dialog.waitFor({ state: 'hidden' });
  };
  await change(/^Name/, 'exhibition');
  await page.getByRole('heading', { name: 'exhibition' }).waitFor();
  await change(/^Note/, 'It is **good**');
  await page.getByText('It is good').waitFor();
  await change(/^Tags/, 'team: sea\ncandidate');
  await page.getByText('candidate').waitFor();
  await change(/^Tags/, 'team: land');
  await page.getByText('candidate').waitFor({ state: 'hidden' });
  await page.getByText('land', { exact: true }).waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  assert.deepEqual(
    problems.filter((problem) => !/Blocked script execution|status of 422/.test(problem)),
    [],
  );
});

test('experiments: made, renamed and tagged, deleted so that the name is free, and brought back; odd names on a phone and on paper', async (t) => {
  const server = await startServer(t, { role: 'control' });
  const browser = await openBrowser(t);
  const { page, problems } = await openPage(browser, { baseUrl: server.url });
  await page.goto('/experiments');
  await page.getByRole('button', { name: 'New' }).click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('tides');
  await page.getByRole('dialog').getByRole('button', { name: 'Create' }).click();
  await page.waitForURL(/\/runs\?experiment=/);
  await page.goto('/experiments');
  await page.getByRole('button', { name: 'Change tides' }).click();
  await page.getByRole('dialog').getByRole('textbox', { name: 'Name' }).fill('currents');
  await page.getByRole('dialog').getByRole('textbox', { name: /^Tags/ }).fill('team: sea');
  await page.getByRole('dialog').getByRole('button', { name: 'Change' }).click();
  await page.getByText('team: sea').waitFor();
  await page.getByRole('button', { name: 'Delete currents' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('link', { name: 'currents' }).waitFor({ state: 'detached' });
  await createExperiment(server.url, 'currents');
  await page.getByRole('link', { name: 'currents' }).waitFor();
  await page.getByRole('button', { name: 'Deleted' }).click();
  await page.getByText('1 deleted experiment').waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  // What is searched is found as it was typed.
  for (const name of ["50%_o'clock", '50 of clock']) await createExperiment(server.url, name);
  await page.getByRole('button', { name: 'Active' }).click();
  await page.getByLabel('Search experiments').fill("0%_O'");
  await page.getByText('1 experiment with this name').waitFor();
  await page.getByRole('link', { name: "50%_o'clock" }).waitFor();
  await page.getByLabel('Search experiments').fill('0_o');
  await page.getByText('0 experiments with this name').waitFor();
  // Whatever things are called and measured, a phone shows them whole, and the page is no wider than it is.
  const odd = await createExperiment(server.url, 'x'.repeat(200));
  const run = await createRun(
    server.url,
    odd,
    'W'.repeat(200),
    { rate: 'v'.repeat(300) },
    { best: [1, Number.MAX_VALUE], tiny: [-1e-9, -1e-9] },
  );
  await page.setViewportSize({ width: 390, height: 844 });
  const fits = async (): Promise<void> => {
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(beyond <= 0, `${page.url()} is ${beyond} px too wide`);
  };
  await page.goto(`/runs/${run}`);
  const metrics = page.getByRole('grid', { name: 'Metrics' });
  // MLflow keeps infinities as the greatest double.
  await metrics.getByText('∞', { exact: true }).first().waitFor();
  await metrics.getByText('\u22121.00e\u22129', { exact: true }).first().waitFor();
  await fits();
  await page.goto(`/compare?runs=${run}&show=files`);
  const chosen = page.getByRole('navigation', { name: 'Ways to compare' }).getByText('Files');
  await chosen.waitFor();
  await page.waitForFunction(
    (tab) => (tab?.getBoundingClientRect().right ?? Infinity) <= innerWidth,
    await chosen.elementHandle(),
  );
  await fits();

  // Paper is white, also of a dark page, and has no acts on it.
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(`/runs/${run}`);
  await page.getByRole('button', { name: 'Delete' }).waitFor();
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
  await page.getByRole('button', { name: 'Delete' }).waitFor({ state: 'hidden' });
  await page.getByRole('navigation', { name: 'Screens' }).first().waitFor({ state: 'hidden' });
  const paper = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  assert.match(paper, /^(oklch\(1 0 0\)|lab\(100 0 0\)|rgb\(255, 255, 255\))$/);
  assert.deepEqual(problems, []);
});

test('a model: a webhook told of aliases moved with a reason, history, versions compared, tagged and deleted', async (t) => {
  const env = {
    MILLRACE_WEBHOOK_ALLOWED_SCHEMES: 'http',
    MILLRACE_WEBHOOK_ALLOW_PRIVATE_ADDRESSES: 'true',
  };
  const server = await startServer(t, { role: 'control', env });
  const receiver = createServer((request, response) => {
    request.resume();
    response.end('thanks');
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  t.after(() => receiver.close());
  const { port } = receiver.address() as AddressInfo;
  const experiment = await createExperiment(server.url, 'tides');
  const mlflow = `${server.url}/api/2.0/mlflow`;
  await postJson(`${mlflow}/registered-models/create`, { name: 'tide' });
  for (const depth of [3, 5]) {
    const run_id = await createRun(
      server.url,
      experiment,
      `fit-${depth}`,
      { depth: String(depth) },
      { auc: [depth / 10] },
    );
    await postJson(`${mlflow}/model-versions/create`, {
      name: 'tide',
      source: `runs:/${run_id}/model`,
      run_id,
    });
  }
  const browser = await openBrowser(t);
  const { page, problems } = await openPage(browser, { baseUrl: server.url });
  const dialog = page.getByRole('dialog');
  await page.goto('/webhooks');
  await page.getByRole('button', { name: 'New webhook' }).click();
  await dialog.getByLabel('Name').fill('deployments');
  await dialog.getByLabel(/^Address/).fill(`http://127.0.0.1:${port}/hook`);
  await dialog.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('button', { name: 'Send a test' }).click();
  await page.getByText('The test arrived: answered 200.').waitFor();
  await checkLooks(page, 'webhooks');

  await page.goto('/models');
  await page.getByRole('heading', { name: 'tide' }).getByRole('link').click();
  await page.getByRole('button', { name: 'Set an alias' }).click();
  await dialog.getByRole('textbox', { name: 'Alias' }).fill('canary');
  await dialog.getByRole('textbox', { name: /Why/ }).fill('passed the shadow week');
  await dialog.getByRole('button', { name: 'Set' }).click();
  await page.getByText('canary set to v2').waitFor();
  await page.getByText('passed the shadow week').waitFor();
  await checkLooks(page, 'model');

  await page.getByRole('checkbox', { name: 'Choose v1' }).check();
  await page.getByRole('checkbox', { name: 'Choose v2' }).check();
  await page.getByRole('button', { name: 'Compare v1 and v2' }).click();
  await page.getByText('+0.2 better').waitFor();
  await checkLooks(page, 'compare-versions');

  await page.goto('/models/tide/versions/2');
  await page.getByRole('region', { name: 'Lineage' }).getByRole('link', { name: 'fit-5' }).waitFor();
  await checkLooks(page, 'version');
  await page.getByRole('button', { name: 'Change tags and stage' }).click();
  await dialog.getByRole('textbox').fill('team: harbour');
  await dialog.getByLabel(/^Stage/).selectOption('staging');
  await dialog.getByRole('button', { name: 'Change' }).click();
  await page.getByText('tag team: harbour').waitFor();
  await page.getByText('stage None to Staging').waitFor();
  await page.getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('textbox', { name: 'Type v2 to confirm' }).fill('v2');
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await page.waitForURL(/\/models\/tide$/);
  await page.getByText('version deleted').waitFor();
  await page.goto('/webhooks');
  await page.getByRole('row', { name: /deployments/ }).click();
  await page.getByRole('button', { name: /an alias moves/ }).click();
  await page.getByText('"alias":"canary"').waitFor();
  assert.deepEqual(problems, []);
});
