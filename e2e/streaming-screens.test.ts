import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { createExperiment, postJson, registerFiles } from './seed.ts';
import {
  accessibilityProblems,
  openBrowser,
  openPage,
  screenshotThemes,
  startServer,
} from './support/index.ts';

const root = join(import.meta.dirname, '..');
const python = join(root, '.venv/bin/python');
const script = join(root, 'test/contract/streaming_model.py');
const PATIENCE = { timeout: 120_000 } as const;

/** What MLflow saved of the model, as paths and bytes. */
async function savedModel(folder: string): Promise<readonly (readonly [string, Uint8Array])[]> {
  await promisify(execFile)(python, [script, folder]);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(paths.map(async (path) => [relative(folder, path), await readFile(path)] as const));
}

test('a Python model that answers in pieces: its endpoint says when the first one came, and each answer when its own did', {
  skip: !existsSync(python),
}, async (t) => {
  const server = await startServer(t, { env: { MILLRACE_PYTHON: python, MILLRACE_PYTHON_WORKERS: '1' } });
  const folder = await mkdtemp(join(tmpdir(), 'millrace-streaming-screens-'));
  t.after(() => rm(folder, { recursive: true }));
  const browser = await openBrowser(t);
  const { page, problems } = await openPage(browser, { baseUrl: server.url });
  const experiment = await createExperiment(server.url, 'words');
  await postJson(`${server.url}/api/2.0/mlflow/registered-models/create`, { name: 'words' });
  await registerFiles(server.url, experiment, 'words', 'saved', await savedModel(join(folder, 'model')));

  await page.goto('/models/words/versions/1');
  await page.getByRole('button', { name: 'Deploy', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Endpoint').fill('words');
  await dialog.getByRole('textbox', { name: /^Why/ }).fill('it answers in pieces');
  await dialog.getByRole('button', { name: 'Deploy', exact: true }).click();
  await dialog.getByRole('link', { name: 'words' }).click(PATIENCE);
  await page.getByText('v1 answers everything.').waitFor();

  // Two seconds pass between the first word and the last: the first piece does not wait for them.
  const response = await fetch(`${server.serveUrl}/v2/models/words/generate_stream`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: 'slow', text_input: 'one sleep two' }),
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  assert.equal(text.match(/^data: /gm)?.length, 3);
  await postJson(`${server.serveUrl}/v2/models/words/generate`, { id: 'whole', text_input: 'one two' });

  const newest = page.getByRole('region', { name: 'The newest answers' });
  await newest.getByText('Came in pieces').waitFor(PATIENCE);
  await newest.getByText('1 of 2').waitFor(PATIENCE);
  await newest.getByText('First piece after').waitFor();
  assert.deepEqual(await accessibilityProblems(page), []);
  await screenshotThemes(page, 'streaming-endpoint', true);

  await page.goto('/predictions?endpoint=words&id=slow');
  const panel = page.getByRole('complementary', { name: 'Prediction' });
  const first = await panel.getByText(/the rest followed in pieces/).innerText();
  const firstMs = Number(/^[\d.\u202f]+/.exec(first)?.[0].replaceAll('\u202f', ''));
  assert.ok(firstMs > 0 && firstMs < 2000, `${first} is before the pause of two seconds`);
  await screenshotThemes(page, 'streaming-prediction');
  assert.deepEqual(problems, []);
});
