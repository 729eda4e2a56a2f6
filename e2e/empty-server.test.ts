import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  accessibilityProblems,
  openBrowser,
  openPage,
  screenshotThemes,
  startServer,
  THEMES,
} from './support/index.ts';

/** Every screen on a server that holds nothing, with words that its empty state must have. */
const screens: readonly (readonly [path: string, heading: RegExp, empty: RegExp])[] = [
  ['/', /No loop yet/, /MLFLOW_TRACKING_URI=/],
  ['/runs', /Runs/, /MLFLOW_TRACKING_URI=/],
  ['/experiments', /Experiments/, /Default/],
  ['/compare', /Nothing to compare/, /press C/],
  ['/datasets', /Datasets/, /dataset-versions/],
  ['/models', /Models/, /registered_model_name/],
  ['/webhooks', /Webhooks/, /Nobody is told yet/],
  ['/endpoints', /Deployment/, /Nothing is deployed/],
  ['/predictions', /Predictions/, /No prediction yet/],
  ['/rollouts', /Rollouts/, /No rollout yet/],
  ['/batches', /Batches/, /No batch yet/],
  ['/monitoring', /Monitoring/, /Nothing to watch yet/],
  ['/turns', /Turns/, /No turn yet/],
  ['/steps', /Steps/, /Nothing has run yet/],
  ['/erasures', /Erasures/, /Nothing was erased yet/],
  ['/audit', /Audit/, /Nothing has been changed yet|When/],
];

test('an empty server', async (t) => {
  const server = await startServer(t, { role: 'control' });
  const browser = await openBrowser(t);

  await t.test('teaches on every screen, in both themes, without a fault', async () => {
    for (const theme of THEMES) {
      const { page, problems, context } = await openPage(browser, { baseUrl: server.url, theme });
      for (const [path, heading, empty] of screens) {
        await page.goto(path);
        await page.getByRole('heading', { level: 1 }).waitFor();
        assert.match(await page.getByRole('heading', { level: 1 }).innerText(), heading, path);
        await page.getByText(empty).first().waitFor();
        const text = await page.locator('main').innerText();
        if (text.includes('http://'))
          assert.ok(text.includes(server.url), `${path} names another address: ${text}`);
        assert.deepEqual(await accessibilityProblems(page), [], `${path} ${theme}`);
      }
      assert.deepEqual(problems, [], theme);
      await context.close();
    }
  });

  await t.test('keyboard: palette, chords, shortcut sheet; the theme is kept', async () => {
    const { page, problems } = await openPage(browser, { baseUrl: server.url });
    await page.goto('/');
    await page.getByRole('heading', { name: 'No loop yet' }).waitFor();

    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Go to' }).waitFor();
    await page.keyboard.type('audi');
    await page.getByRole('option', { name: /^Audit/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/audit');

    await page.keyboard.press('g');
    await page.keyboard.press('r');
    await page.waitForURL('**/runs');
    await page.waitForFunction(() => document.title === 'Runs · Millrace');
    // The screen's own script may come after its title.
    await page.getByRole('combobox', { name: 'Filter runs' }).waitFor();

    await page.keyboard.press('/');
    assert.equal(
      await page.evaluate(() => document.activeElement?.getAttribute('aria-label')),
      'Filter runs',
    );
    await page.keyboard.press('Escape');

    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor();
    await page.getByText('Go to anything').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor({ state: 'hidden' });

    await page.keyboard.press('t');
    await page.waitForFunction(() => document.documentElement.dataset.theme === 'dark');
    await page.reload();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
    assert.deepEqual(problems, []);
  });

  await t.test('a phone sees each screen without scrolling sideways, and the bar at the bottom', async () => {
    const { page } = await openPage(browser, { baseUrl: server.url, width: 390, height: 844 });
    for (const [path] of screens) {
      await page.goto(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      assert.ok(beyond <= 0, `${path} is ${beyond} px too wide`);
    }
    await page.getByRole('link', { name: 'Monitoring' }).click();
    await page.waitForURL('**/monitoring');
    await screenshotThemes(page, 'phone-monitoring');
  });

  await t.test('who may not read is told so, and the words stay while it is tried again', async () => {
    const { page, context } = await openPage(browser, { baseUrl: server.url });
    const refusal = { title: 'Not permitted', detail: 'ana may not read steps', next: 'Ask for it' };
    await page.route(/\/api\/v1\//, (route) =>
      route.fulfill({
        status: 403,
        contentType: 'application/problem+json',
        body: JSON.stringify({ ...refusal, status: 403, code: 'forbidden' }),
      }),
    );
    await page.goto('/steps');
    for (const words of Object.values(refusal)) await page.getByRole('alert').getByText(words).waitFor();
    await page.evaluate(() => {
      new MutationObserver(() => {
        if (!document.querySelector('[role=alert]')) document.body.dataset.gone = 'yes';
      }).observe(document.body, { childList: true, subtree: true });
    });
    for (let time = 0; time < 2; time += 1) await page.waitForResponse(/\/api\/v1\/step-runs/);
    await page.getByRole('button', { name: 'Try again' }).click();
    assert.equal(await page.evaluate(() => document.body.dataset.gone), undefined);
    await context.close();
  });

  await t.test(
    'when the server goes away the page says so, keeps what it shows, and goes on by itself',
    async () => {
      const { page } = await openPage(browser, { baseUrl: server.url });
      await page.goto('/runs');
      await page.getByText('No runs yet').waitFor();
      await page.getByText('live', { exact: true }).waitFor();
      const { page: form } = await openPage(browser, { baseUrl: server.url });
      await form.goto('/experiments');
      await form.getByRole('button', { name: 'New' }).click();
      const dialog = form.getByRole('dialog');
      await dialog.getByRole('textbox', { name: 'Name' }).fill('tides');
      await server.kill();
      await page.getByText(/^paused/).waitFor();
      await page.getByText('No runs yet').waitFor();
      // A screen whose script was never loaded: the frame stays, and it comes once the server is back.
      await page.getByRole('link', { name: 'Steps' }).click();
      await page.getByText('The server does not answer').waitFor();
      // What somebody has typed is not lost: it is refused for now, and goes through once the server is back.
      await dialog.getByRole('button', { name: 'Create' }).click();
      await dialog.getByText('The server does not answer').waitFor();
      await server.start();
      await page.getByRole('heading', { level: 1, name: 'Steps' }).waitFor();
      await page.getByText('live', { exact: true }).waitFor();
      assert.equal(await dialog.getByRole('textbox', { name: 'Name' }).inputValue(), 'tides');
      await dialog.getByRole('button', { name: 'Create' }).click();
      await form.waitForURL(/\/runs\?experiment=/);
    },
  );
});
