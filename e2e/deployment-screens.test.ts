import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { askModel, createExperiment, postJson, registerVersion, routeInForce } from './seed.ts';
import {
  accessibilityProblems,
  openBrowser,
  openPage,
  screenshotThemes,
  startServer,
} from './support/index.ts';

/** Opens an act, gives its reason, and does it. */
async function act(page: Page, verb: string, reason: string): Promise<void> {
  await page.getByRole('button', { name: verb, exact: true }).click();
  const dialog = page.getByRole('dialog');
  const confirm = dialog.getByRole('button', { name: verb, exact: true });
  assert.equal(await confirm.isDisabled(), true, `${verb} asks why`);
  const why = dialog.getByRole('textbox', { name: /^Why/ });
  assert.equal(
    await why.evaluate((field) => field === document.activeElement),
    true,
    'the keyboard begins there',
  );
  await why.fill(reason);
  await confirm.click();
  await dialog.waitFor({ state: 'hidden' });
}

/** What was answered, by whom, and whether it was right; then answered once more by another version. */
async function readAnswers(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog');
  await page.goto('/predictions');
  await page.getByText(/^40 predictions;/).waitFor();
  await page.getByRole('row', { name: /ask-35\b/ }).click();
  const panel = page.getByRole('complementary', { name: 'Prediction' });
  await panel.getByText(/it turned out 1/).waitFor();
  await panel.getByText('x1').waitFor();
  await screenshotThemes(page, 'predictions');
  await page.keyboard.press('Escape');
  await page.getByLabel('Label').selectOption('false');
  await page.waitForURL(/labelled=false/);
  await page.getByText('All 20 shown').waitFor();
  await page.getByRole('button', { name: 'Clear 1' }).click();
  await page.getByLabel('Least score').fill('0.99');
  await page.getByText('No prediction fits these filters').waitFor();
  await page.getByRole('button', { name: 'Show all predictions' }).click();
  await page.getByText('All 40 shown').waitFor();
  // Paper has the rows that are out of sight too, and the screen again only those in sight.
  const rows = page.getByRole('table', { name: 'Predictions' }).getByRole('row');
  await page.setViewportSize({ width: 1440, height: 400 });
  await page.waitForFunction(() => document.querySelectorAll('[role="row"]').length < 41);
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  assert.equal(await rows.count(), 41);
  await page.evaluate(() => dispatchEvent(new Event('afterprint')));
  await page.waitForFunction(() => document.querySelectorAll('[role="row"]').length < 41);
  await page.setViewportSize({ width: 1440, height: 900 });
  const arms = page.getByLabel('Arm', { exact: true });
  await arms.getByText(/^champion \(\d+\)$/).waitFor({ state: 'attached' });
  await arms.selectOption('champion');
  await page.waitForURL(/arm=champion/);
  await page.getByRole('table', { name: 'Predictions' }).getByText('v1 champion').first().waitFor();
  // What is shown stays until the answer is there.
  await page.getByText('v2 challenger').first().waitFor({ state: 'hidden' });
  await page.getByRole('button', { name: 'Clear 1' }).click();
  const file = await page.request.get(
    (await page.getByRole('link', { name: 'Export' }).getAttribute('href')) ?? '',
  );
  assert.equal((await file.body()).subarray(0, 4).toString(), 'PAR1');
  await page.getByRole('button', { name: 'Labels', exact: true }).click();
  await page.getByRole('region', { name: 'Delays of labels' }).getByText('All predictions').waitFor();
  await page.getByRole('img', { name: /^Predictions: 2 windows/ }).waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);

  await page.getByRole('button', { name: 'Replays', exact: true }).click();
  await page.getByRole('button', { name: 'Replay', exact: true }).click();
  await dialog.getByLabel('From').fill('2001-01-01T00:00');
  await dialog.getByLabel('Before').fill('2001-02-01T00:00');
  await dialog.getByRole('button', { name: 'Replay', exact: true }).click();
  const replay = page.getByRole('complementary', { name: 'Replay' });
  await replay.getByText('40 of 40 rows').waitFor();
  await replay.getByText('Against the truth').waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
}

/** A database brings labels: a query that fails says why, and once it is changed it brings them. */
async function queryLabels(page: Page, database: string): Promise<void> {
  const dialog = page.getByRole('dialog');
  await page.goto('/predictions?endpoint=tide&view=labels');
  await page.getByRole('button', { name: 'New query' }).click();
  await dialog.getByLabel('Name').fill('truth');
  await dialog.getByLabel(/^Database/).fill(`sqlite:${database}`);
  await dialog.getByLabel(/^A SELECT/).fill('SELECT * FROM nowhere');
  await dialog.getByRole('button', { name: 'Declare' }).click();
  await page.getByText('no such table: nowhere').waitFor();
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await dialog.getByLabel(/^A SELECT/).fill('SELECT * FROM truth');
  assert.deepEqual(await accessibilityProblems(page), []);
  await screenshotThemes(page, 'label-query');
  await dialog.getByRole('button', { name: 'Change' }).click();
  await page.getByText('2 rows read, 1 taken, 1 refused').waitFor();
  await page.getByText('no such table: nowhere').waitFor({ state: 'hidden' });
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.goto('/predictions?endpoint=tide&id=ask-0');
  const panel = page.getByRole('complementary', { name: 'Prediction' });
  await panel.getByText(/from the query/).waitFor();
  await panel.getByRole('link', { name: 'truth' }).click();
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByText(/^None yet. A SELECT/).waitFor();
}

/** Somebody else begins a rollout while a plan is filled in: it stays, says so, and can begin once the other has ended. */
async function overtake(page: Page, url: string): Promise<void> {
  const dialog = page.getByRole('dialog');
  const rollouts = `${url}/api/v1/endpoints/tide/rollouts`;
  const plan = { kind: 'split', arms: [{ arm: 'b', version: 2, percent: 10 }] };
  const { id } = await postJson<{ id: string }>(rollouts, { plan, again: true, reason: 'I was quicker' });
  await dialog.getByText('A rollout was begun here meanwhile').waitFor();
  await dialog.getByText(/A\/B of v2 beside v1/).waitFor();
  assert.equal(await dialog.getByRole('button', { name: 'Begin' }).isDisabled(), true);
  assert.deepEqual(await accessibilityProblems(page), []);
  await screenshotThemes(page, 'rollout-overtaken');
  await postJson(`${rollouts}/${id}/abort`, { reason: 'after you' });
  await dialog.getByText('A rollout was begun here meanwhile').waitFor({ state: 'hidden' });
}

/** Somebody else begins a rollout while it is said why the endpoint should retire: the dialog stays, and is for nothing. */
async function begunElsewhere(page: Page, url: string): Promise<void> {
  const dialog = page.getByRole('dialog');
  const retire = dialog.getByRole('button', { name: 'Retire', exact: true });
  const rollouts = `${url}/api/v1/endpoints/tide/rollouts`;
  await page.getByRole('button', { name: 'Retire', exact: true }).click();
  await dialog.getByRole('textbox', { name: /^Why/ }).fill('nobody calls it');
  const plan = { kind: 'split', arms: [{ arm: 'b', version: 2, percent: 10 }] };
  const { id } = await postJson<{ id: string }>(rollouts, { plan, again: true, reason: 'somebody does' });
  await dialog.getByText('What this is about has changed meanwhile').waitFor();
  assert.equal(await retire.isDisabled(), true);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  assert.equal(await page.getByRole('button', { name: 'Retire', exact: true }).count(), 0);
  await postJson(`${rollouts}/${id}/abort`, { reason: 'heard enough' });
}

/** Labels of the first prediction, and of one at a time that is none. */
function truthDatabase(folder: string): string {
  const path = join(folder, 'truth.db');
  const database = new DatabaseSync(path);
  database.exec(`CREATE TABLE truth (prediction_id TEXT, value INT, event_time TEXT);
    INSERT INTO truth VALUES ('ask-0', 1, '2001-01-05T00:00:00Z'), ('ask-1', 1, 'soon')`);
  database.close();
  return path;
}

/** A file, of which one row is bad. */
async function scoreFile(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog');
  await page.goto('/batches');
  await page.getByRole('button', { name: 'New batch' }).click();
  const rows = ['name,x1,x2', 'a,0.5,1', 'b,wrong,1', 'c,1,1'].join('\n');
  await dialog
    .getByLabel(/^Parquet, or CSV/)
    .setInputFiles({ name: 'rows.csv', mimeType: 'text/csv', buffer: Buffer.from(rows) });
  await dialog.getByLabel('The output is').selectOption('csv');
  await dialog.getByRole('button', { name: 'Begin' }).click();
  const batch = page.getByRole('complementary', { name: 'Batch' });
  const href = await batch.getByRole('link', { name: /Download the CSV file/ }).getAttribute('href');
  await batch.getByText('1; the column “error” tells why').waitFor();
  const scored = (await (await page.request.get(href ?? '')).text()).trimEnd().split('\n');
  assert.equal(scored.length, 4);
  assert.match(scored[2] ?? '', /^b,/);
  assert.deepEqual(await accessibilityProblems(page), []);
  await screenshotThemes(page, 'batches');
}

/** A rollout goes on, and ends, while somebody says why it should: the dialog stays, is for nothing else, and says so. */
async function endedElsewhere(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog');
  const rollouts = new URL('/api/v1/endpoints/tide/rollouts', page.url()).href;
  const changed = dialog.getByText('What this is about has changed meanwhile');
  await page.getByRole('button', { name: 'Abort', exact: true }).click();
  await dialog.getByRole('textbox', { name: /^Why/ }).fill('too late');
  const { items } = (await (await page.request.get(rollouts)).json()) as { items: { id: string }[] };
  await postJson(`${rollouts}/${items[0]?.id}/abort`, { reason: 'not needed any more' });
  await changed.waitFor();
  await screenshotThemes(page, 'rollout-ended-elsewhere');
  assert.equal(await dialog.getByRole('button', { name: 'Abort', exact: true }).isDisabled(), true);
  assert.equal(await dialog.getByRole('textbox', { name: /^Why/ }).inputValue(), 'too late');
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
}

/** A rollout is moved on and ended by a person; what was aborted must cool down, and the refusal says so. */
async function endRollout(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog');
  await page.goto('/endpoints/tide');
  await act(page, 'Advance to 100\u202f%', 'seen enough');
  await page.getByText(/v2 answers everything; v1 is still the champion/).waitFor();
  await endedElsewhere(page);
  await page.getByText('v1 answers everything.').waitFor();
  await page.getByText('aborted', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Begin a rollout' }).click();
  await dialog.getByRole('textbox', { name: /^Why/ }).fill('again');
  await dialog.getByRole('button', { name: 'Begin' }).click();
  await dialog.getByText('Aborted or rolled back a short while ago').waitFor();
}

test('a version is deployed, another rolled out beside it, answers are read and replayed, a file is scored', async (t) => {
  const server = await startServer(t);
  const browser = await openBrowser(t);
  const { page, problems } = await openPage(browser, { baseUrl: server.url });
  const experiment = await createExperiment(server.url, 'tides');
  await postJson(`${server.url}/api/2.0/mlflow/registered-models/create`, { name: 'sea-level' });
  for (const weight of [1, 1.5]) await registerVersion(server.url, experiment, 'sea-level', weight);

  // Deployed from its own screen, which says what computes it.
  await page.goto('/models/sea-level/versions/1');
  await page.getByText(/^Not packaged yet/).waitFor();
  await page.getByRole('button', { name: 'Deploy', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Endpoint').fill('tide');
  await dialog.getByRole('textbox', { name: /^Why/ }).fill('first version');
  await dialog.getByRole('button', { name: 'Deploy', exact: true }).click();
  await dialog.getByRole('link', { name: 'tide' }).click();
  await page.getByText('v1 answers everything.').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Roll back' }).isDisabled(), true);
  await page.goto('/models/sea-level/versions/1');
  await page.getByText('It was logged as ONNX.').waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);

  // A canary of the second version: planned, packaged on the way, and begun.
  await page.goto('/endpoints/tide');
  await page.getByRole('button', { name: 'Begin a rollout' }).click();
  // The keyboard begins there as soon as the versions are known, and on nothing that closes it before.
  await dialog.locator('select:focus').waitFor();
  await dialog.getByLabel('First in shadow, for').fill('');
  await dialog.getByLabel('Then steps of the traffic').fill('25, 100');
  await dialog.getByText('v2 answers 25 → 100').waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await screenshotThemes(page, 'rollout-plan');
  await dialog.getByLabel('Margin of').fill('much');
  await dialog.getByRole('textbox', { name: /^Why/ }).fill('a second opinion');
  await dialog.getByRole('button', { name: 'Begin' }).click();
  await dialog.getByText(/plan\.margin/).waitFor();
  await dialog.getByLabel('Margin of').fill('0.05');
  await dialog.getByRole('button', { name: 'Begin' }).click();
  await page.getByText('Canary of v2 beside v1').waitFor();
  await page.getByText(/v2 answers 25.% of requests beside v1/).waitFor();

  const ids = await askModel(server.serveUrl, 'tide', 40, Date.UTC(2001, 0, 1));
  await postJson(`${server.url}/api/v1/labels`, {
    endpoint: 'tide',
    labels: ids
      .slice(20)
      .map((predictionId, index) => ({ predictionId, value: index % 2, eventTime: Date.UTC(2001, 0, 5) })),
  });
  await page.getByRole('region', { name: 'Arms of the rollout' }).getByText('challenger').waitFor();
  await act(page, 'Pause', 'lunch');
  await act(page, 'Resume', 'back');
  assert.deepEqual(await accessibilityProblems(page), []);
  await screenshotThemes(page, 'rollout', true);

  // Three people at once: none of them asks the endpoint anything, so none sees what another does.
  const pages = await Promise.all(
    [0, 1].map(() => openPage(browser, { baseUrl: server.url, theme: 'dark' })),
  );
  const [reader, scorer] = pages.map((each) => each.page) as [Page, Page];
  await Promise.all([readAnswers(reader), scoreFile(scorer), endRollout(page)]);
  await queryLabels(reader, truthDatabase(server.dataDirectory));
  assert.deepEqual(
    pages.flatMap((each) => each.problems),
    [],
  );
  await Promise.all(pages.map((each) => each.context.close()));

  // A version that only listens: what its copies say, beside the champion's own noise.
  await dialog.getByText('Shadow', { exact: true }).click();
  await dialog.getByRole('button', { name: 'Begin' }).click();
  await page.getByText('No copy has been answered yet').waitFor();
  await routeInForce(server.url, 'tide');
  await askModel(server.serveUrl, 'tide', 60, Date.UTC(2001, 1, 1), 'copy');
  await page.getByText('Scores on the same requests').waitFor();
  await page
    .getByRole('table')
    .getByRole('link', { name: /^copy-/ })
    .first()
    .waitFor();
  await page.getByLabel('Segments of the comparison').selectOption('x1');
  await page.waitForURL(/by=x1/);
  assert.deepEqual(await accessibilityProblems(page), []);
  await screenshotThemes(page, 'shadow', true);
  await act(page, 'Withdraw', 'heard enough');
  await page.getByText('Scores on the same requests').waitFor({ state: 'hidden' });

  // Promoted against the plan, and back: there is one way, which takes the alias along.
  await registerVersion(server.url, experiment, 'sea-level', 0.5);
  await page.reload();
  await page.getByRole('button', { name: 'Begin a rollout' }).click();
  await dialog.getByRole('option', { name: /^v3/ }).waitFor({ state: 'attached' });
  await dialog.getByRole('textbox', { name: /^Why/ }).fill('a third');
  await dialog.getByRole('button', { name: 'Begin' }).click();
  await page.getByText('Canary of v3 beside v1').waitFor();
  await act(page, 'Promote', 'I know better');
  await page.getByText('v3 answers everything.').waitFor();
  await page.getByText('promoted', { exact: true }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Roll back' }).count(), 1);
  await act(page, 'Roll back', 'I did not');
  await page.getByText('v1 answers everything.').waitFor();
  await page.getByText('rolled back', { exact: true }).waitFor();
  await begunElsewhere(page, server.url);

  // A bandit of two versions that were taken back before: what it rewards, what each arm keeps, how its shares move.
  await page.getByRole('button', { name: 'Begin a rollout' }).click();
  await dialog.getByText('Bandit', { exact: true }).click();
  await dialog.getByRole('button', { name: 'Another arm' }).click();
  await dialog.getByLabel('Arm 2').fill('tuned-on-the-newest-quarter');
  await dialog.getByLabel('What is rewarded').selectOption('outcome');
  await dialog.getByLabel('Every arm keeps at least').fill('5');
  await dialog.getByLabel('Shares move every').fill('1s');
  await dialog
    .getByText(/^v1 and v3, v2 begin with equal shares; every 1s .* none has less than 5/)
    .waitFor();
  await dialog.getByRole('textbox', { name: /^Why/ }).fill('which earns most');
  await overtake(page, server.url);
  await dialog.getByRole('button', { name: 'Begin' }).click();
  await dialog.getByLabel(/^Begin it all the same/).check();
  await dialog.getByRole('button', { name: 'Begin' }).click();
  await page.getByText(/^Bandit of v3 and v2 beside v1/).waitFor();
  await page.getByText(/v2 was aborted here before/).waitFor();
  await routeInForce(server.url, 'tide');
  const asked = await askModel(server.serveUrl, 'tide', 30, Date.UTC(2001, 2, 1), 'bandit');
  await postJson(`${server.url}/api/v1/labels`, {
    endpoint: 'tide',
    labels: asked.map((predictionId) => ({ predictionId, value: 1, eventTime: Date.UTC(2001, 2, 5) })),
  });
  await page
    .getByText(/by [1-9]\d* rewards/)
    .first()
    .waitFor();
  await page.getByRole('img', { name: /^Shares of the traffic/ }).waitFor();
  await page
    .getByLabel('Comparison')
    .getByText(/^v3 \S+: /)
    .first()
    .waitFor({ state: 'attached' });
  assert.deepEqual(await accessibilityProblems(page), []);
  await screenshotThemes(page, 'bandit', true);
  // No column of a rollout's tables lies out of sight.
  await page.setViewportSize({ width: 1024, height: 900 });
  await page.getByRole('table').first().waitFor();
  const cut = await page
    .getByRole('table')
    .evaluateAll((all) =>
      all.flatMap(({ parentElement: box }) =>
        box && box.scrollWidth > box.clientWidth ? [box.getAttribute('aria-label')] : [],
      ),
    );
  assert.deepEqual(cut, []);
  await screenshotThemes(page, 'bandit-1024', true);
  await page.setViewportSize({ width: 1440, height: 900 });
  await act(page, 'Abort', 'all earn the same');

  // The champion goes on to another environment: what changes there is said before, the outcome after.
  await postJson(`${server.url}/api/v1/endpoints`, {
    name: 'tide-live',
    model: 'sea-level',
    options: { environment: 'production' },
  });
  const liveIs = { modelVersion: 2, reason: 'live' };
  await postJson(`${server.url}/api/v1/endpoints/tide-live/deploy`, liveIs);
  await page.getByRole('button', { name: 'Promote to' }).click();
  await dialog.getByLabel('Share of its traffic').fill('10');
  await dialog.getByText(/^v1 answers 10.% of the requests to tide-live at once, v2 the others/).waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await dialog.getByRole('textbox', { name: /^Why/ }).fill('a quiet week');
  await dialog.getByRole('button', { name: 'Promote', exact: true }).click();
  await dialog.getByText('tide-live: v1 answers 10\u202f% of requests beside v2.').waitFor();
  await dialog.getByRole('button', { name: 'Done' }).click();

  // Every rollout of the server in one list, which narrows, and leads to each in full.
  await page.getByRole('link', { name: 'All rollouts' }).click();
  await page.waitForURL(/\/rollouts\?endpoint=tide/);
  const rollouts = page.getByRole('list', { name: 'Rollouts' }).locator(':scope > li');
  await page.getByText('All 5 shown').waitFor();
  assert.equal(await rollouts.count(), 5);
  await page.getByText('None under way, 5 ended.').waitFor();
  await page.getByLabel('Kind').selectOption('canary');
  await page.getByText('All 2 shown').waitFor();
  await page.getByRole('img', { name: 'Steps: 25\u202f% done, 100\u202f% stopped here' }).waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.getByLabel('State').selectOption('promoted');
  await page.getByText('No rollout fits these filters').waitFor();
  await page.getByRole('button', { name: 'Show all rollouts' }).click();
  await page.getByText('All 5 shown').waitFor();
  await screenshotThemes(page, 'rollouts', true);
  await page.getByRole('link', { name: 'Canary of v2 beside v1' }).click();
  await page.waitForURL(/\/endpoints\/tide\?rollout=/);
  await page.getByText('seen enough').first().waitFor();

  // Out of service, and back.
  await page.goto('/endpoints/tide-live');
  // Withdrawn while somebody says why: where a roll back stands by then, the dialog is for none.
  await page.getByRole('button', { name: 'Withdraw', exact: true }).click();
  await dialog.getByRole('textbox', { name: /^Why/ }).fill('too late again');
  await postJson(`${server.url}/api/v1/endpoints/tide-live/withdraw`, { reason: 'staging is enough' });
  await dialog.getByText('What this is about has changed meanwhile').waitFor();
  assert.equal(await dialog.getByRole('button', { name: 'Withdraw', exact: true }).isDisabled(), true);
  await page.keyboard.press('Escape');
  await act(page, 'Retire', 'nobody calls it');
  await page.getByText('Retired: nothing answers here.').waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.goto('/endpoints');
  await page.getByText('1 retired endpoint').click();
  await page.getByRole('link', { name: 'tide-live' }).click();
  await act(page, 'Bring back', 'somebody does');
  await page.getByText('v2 answers everything.').waitFor();

  // An address of something that is not here says where the others are.
  await page.goto('/predictions?endpoint=ebb');
  await page.getByRole('heading', { name: 'There is no endpoint “ebb”' }).waitFor();
  await page.goto('/endpoints/ebb');
  await page.getByRole('heading', { name: 'There is no endpoint “ebb”' }).waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await page.getByRole('main').getByRole('link', { name: 'Deployment' }).click();
  await page.getByRole('link', { name: 'tide', exact: true }).waitFor();

  await page.goto('/audit');
  for (const reason of [
    'seen enough',
    'not needed any more',
    'heard enough',
    'I know better',
    'I did not',
    'which earns most',
  ]) {
    await page.getByLabel('Search', { exact: true }).fill(reason);
    await page.getByRole('cell', { name: reason }).first().waitFor();
  }
  assert.deepEqual(await accessibilityProblems(page), []);
  // Refusals, and a shadow that was withdrawn while it was asked about.
  assert.deepEqual(
    problems.filter((problem) => !/status of (400|409)|status of 404 .*\/(shadow|ebb)/.test(problem)),
    [],
  );
});

test('what is refused of a key stands at its field, and whoever leaves while it is made is shown it all the same', async (t) => {
  const server = await startServer(t, { role: 'control' });
  await postJson(`${server.url}/api/v1/endpoints`, { name: 'tide', model: 'sea-level' });
  const { page, problems } = await openPage(await openBrowser(t), { baseUrl: server.url });
  const dialog = page.getByRole('dialog');
  await page.goto('/endpoints/tide');
  await page.getByRole('button', { name: 'New key' }).click();
  const name = dialog.getByRole('textbox', { name: 'Whose key it is' });
  await name.fill('x'.repeat(201));
  await dialog.getByRole('textbox', { name: /^Why/ }).fill('y'.repeat(2001));
  await dialog.getByRole('button', { name: 'Make' }).click();
  const refused = (label: string, text: string) =>
    dialog.locator('label', { hasText: label }).getByRole('alert').getByText(text).waitFor();
  await refused('Whose key it is', 'expected at most 200 characters');
  await refused('Why', 'expected at most 2000 characters');
  assert.equal(await name.inputValue(), 'x'.repeat(201), 'what was typed stays');
  await name.fill('billing');
  await dialog.getByRole('textbox', { name: /^Why/ }).fill('asked for by Ana');
  await dialog.getByLabel(/^Ends at/).fill('2001-01-01T00:00');
  await dialog.getByRole('button', { name: 'Make' }).click();
  await refused('Ends at', 'is past');
  await dialog.getByLabel(/^Ends at/).fill('');

  const [made, left] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await page.route('**/api/v1/endpoint-keys', async (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    const response = await route.fetch();
    made.resolve();
    await left.promise;
    await route.fulfill({ response });
  });
  await dialog.getByRole('button', { name: 'Make' }).click();
  await made.promise;
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  left.resolve();
  await dialog.getByText(/Bearer mrk_/).waitFor();
  await dialog.getByRole('button', { name: 'I have kept it' }).click();
  await dialog.waitFor({ state: 'hidden' });
  assert.deepEqual(
    problems.filter((problem) => !/status of 400/.test(problem)),
    [],
  );
});
