import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createHttpServer } from '../../platform/http/index.ts';
import { createLogger } from '../../platform/log/index.ts';
import { Registry } from '../../platform/metrics/index.ts';
import { addWeb, type WebOptions } from './index.ts';

const page = `<!doctype html>
<html><head>
<script src="/theme.js"></script>
<link rel="stylesheet" crossorigin href="/assets/a.css">
</head><body></body></html>`;

async function webOn(t: TestContext, options: WebOptions) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-web-'));
  t.after(() => rm(directory, { recursive: true }));
  await mkdir(join(directory, 'assets'));
  await writeFile(join(directory, 'index.html'), page);
  await writeFile(join(directory, 'assets', 'a.css'), 'a {}');
  const app = createHttpServer({
    log: createLogger('test', 'silent'),
    metrics: new Registry('test'),
    bodyLimitBytes: 1000,
    pathPrefix: options.pathPrefix,
    resolveActor: async () => ({ kind: 'user', id: 'test' }),
  });
  t.after(() => app.close());
  addWeb(app, directory, options);
  const get = (url: string) => app.inject({ url, headers: { accept: 'text/html' } });
  return Object.assign(get, { directory });
}

test('a build that replaces the files while the server runs is served at once, and what is gone is not found', async (t) => {
  for (const pathPrefix of ['', '/a']) {
    const get = await webOn(t, { pathPrefix, frames: 'DENY' });
    assert.equal((await get(`${pathPrefix}/assets/a.css`)).body, 'a {}');
    await rm(join(get.directory, 'assets', 'a.css'));
    await writeFile(join(get.directory, 'assets', 'b.css'), 'b {}');
    await writeFile(join(get.directory, 'index.html'), page.replace('a.css', 'b.css'));
    assert.equal((await get(`${pathPrefix}/assets/b.css`)).body, 'b {}');
    assert.equal((await get(`${pathPrefix}/assets/a.css`)).statusCode, 404);
    for (const path of ['/', '/runs/1', '/index.html'])
      assert.match((await get(pathPrefix + path)).body, new RegExp(`"${pathPrefix}/assets/b.css"`), path);
  }
});

test('behind a prefix the page and its files are found, and the page tells the app the prefix', async (t) => {
  const get = await webOn(t, { pathPrefix: '/a&b', frames: 'SAMEORIGIN' });
  for (const path of ['/a&b', '/a&b/', '/a&b/runs/1']) {
    const { statusCode, body } = await get(path);
    assert.equal(statusCode, 200, path);
    assert.match(body, /<meta name="millrace-prefix" content="\/a&amp;b" \/>/);
    assert.match(body, /<script src="\/a&amp;b\/theme\.js">/);
    assert.match(body, /href="\/a&amp;b\/assets\/a\.css"/);
  }
  assert.equal((await get('/a&b/assets/a.css')).body, 'a {}');
  assert.equal((await get('/assets/a.css')).statusCode, 404);
  assert.equal((await get('/')).headers.location, '/a&b/');
});

test('without a prefix the page is sent as it was built; who may frame it is as set', async (t) => {
  const get = await webOn(t, { pathPrefix: '', frames: 'DENY' });
  const home = await get('/runs/1');
  assert.equal(home.body, page);
  assert.match(String(home.headers['content-security-policy']), /frame-ancestors 'none'/);
  const open = await webOn(t, { pathPrefix: '', frames: 'NONE' });
  assert.doesNotMatch(String((await open('/')).headers['content-security-policy']), /frame-ancestors/);
});
