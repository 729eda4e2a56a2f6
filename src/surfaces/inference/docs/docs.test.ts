import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { chromium } from 'playwright-core';
import { startTestServing, storePackage, tableOf, testRoute } from '../../../../test/support/serving.ts';
import type { PackageManifest } from '../../../core/model-package.ts';
import { defaultEndpointOptions, digestOfKey } from '../../../lifecycle/serving/index.ts';
import {
  identityOnnx,
  identityPackage,
  logisticOnnx,
  logisticPackage,
} from '../../../platform/onnx/testing.ts';
import { exampleBodies } from './examples.ts';

type Json = Readonly<Record<string, unknown>>;
interface Operation {
  readonly requestBody: { readonly content: Json };
  readonly responses: Readonly<Record<string, { readonly content: Json }>>;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, { readonly get?: Operation; readonly post?: Operation }>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}

const browser = '/usr/bin/chromium';
const hostile = '</script><b>"a\'b';

async function serve(t: TestContext) {
  const serving = await startTestServing(t);
  const sample = [{ x1: 0.5, x2: 0.25 }];
  const logistic = await storePackage(serving.blobs, logisticOnnx(), { ...logisticPackage(), sample });
  const identity = await storePackage(serving.blobs, identityOnnx(), identityPackage());
  await serving.replica.applyRoutes(
    tableOf(
      testRoute(logistic, { endpoint: 'delay' }),
      testRoute(identity, { endpoint: 'same', model: hostile }),
      testRoute(logistic, { endpoint: 'closed', options: { ...defaultEndpointOptions, requireKey: true } }),
    ),
  );
  const scope = { actions: ['predict' as const], expiresAtMs: null };
  serving.replica.keyRing.set([
    { digest: digestOfKey('mine'), endpoints: ['closed'], ...scope },
    { digest: digestOfKey('theirs'), endpoints: ['delay'], ...scope },
  ]);
  return serving;
}

test('each endpoint has an OpenAPI document whose examples are answered, as the document says', async (t) => {
  const { url } = await serve(t);
  for (const name of ['delay', 'same']) {
    const answer = await fetch(`${url}/v2/models/${name}/docs/dataplane.json`);
    const document = (await answer.json()) as Document;
    assert.equal(document.openapi, '3.1.0');
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'document', ...document });
    const check = (media: unknown, value: unknown) => {
      const { $ref } = (media as { schema: { $ref: string } }).schema;
      const validate = ajv.getSchema(`document${$ref}`);
      assert.ok(validate, $ref);
      return validate(value) === true;
    };
    const posts = Object.entries(document.paths).flatMap(([path, { post }]) =>
      post ? [{ path, post }] : [],
    );
    assert.equal(posts.length, 3);
    for (const { path, post } of posts) {
      const media = post.requestBody.content['application/json'];
      const { example } = media as { example: Json };
      assert.ok(check(media, example), `the example of ${path}`);
      const send = async (body: object) => {
        const headers = { 'content-type': 'application/json' };
        const response = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) });
        return { status: response.status, json: await response.json() };
      };
      const good = await send(example);
      assert.equal(good.status, 200, `${path}: ${JSON.stringify(good.json)}`);
      assert.ok(
        check(post.responses['200']?.content['application/json'], good.json),
        JSON.stringify(good.json),
      );
      assert.ok(!check(media, {}), 'an empty request is not a request');
      const bad = await send({});
      assert.equal(bad.status, 400);
      assert.ok(
        check(post.responses['4XX']?.content['application/json'], bad.json),
        JSON.stringify(bad.json),
      );
    }
  }
  const missing = await fetch(`${url}/v2/models/none/docs`);
  assert.equal(missing.status, 404);
  assert.match(missing.headers.get('content-type') ?? '', /^text\/html/);
  assert.match(await missing.text(), /none.* is not found.*<a href="\/v2\/docs">/s);
});

test('the document of the whole server has its own calls, which answer as it says', async (t) => {
  const { url } = await serve(t);
  const document = (await (await fetch(`${url}/v2/docs/dataplane.json`)).json()) as Document;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'document', ...document });
  const own = Object.entries(document.paths).filter(
    ([path]) => !/\/(delay|same|closed)(\/|:|$)/.test(path) && !path.includes('{model}'),
  );
  assert.ok(own.length >= 12, own.map(([path]) => path).join());
  for (const [path, operations] of own) {
    for (const method of ['get', 'post'] as const) {
      const operation = operations[method];
      if (!operation) continue;
      const response = await fetch(url + path, { method: method.toUpperCase() });
      assert.equal(response.status, 200, path);
      const text = await response.text();
      const schema = (operation.responses['200']?.content?.['application/json'] as { schema: object })
        ?.schema;
      if (!schema) continue;
      const validate = ajv.compile(schema);
      assert.ok(validate(JSON.parse(text)), `${path}: ${text}`);
    }
  }
});

test('MLflow lists endpoints, of which each caller sees its own', async (t) => {
  const { url } = await serve(t);
  const list = await fetch(`${url}/api/2.0/endpoints/`, { headers: { 'x-api-key': 'mine' } });
  const { endpoints } = (await list.json()) as { endpoints: { name: string; endpoint_url: string }[] };
  assert.deepEqual(endpoints.map(({ name }) => name).sort(), ['closed', 'delay', 'same']);
  const [first] = endpoints;
  const asked = await fetch(`${url}/api/2.0/endpoints/${first?.name}`, { headers: { 'x-api-key': 'mine' } });
  assert.deepEqual(await asked.json(), first);
  const scored = await fetch(url + endpoints.find(({ name }) => name === 'delay')?.endpoint_url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ dataframe_records: [{ x1: 1, x2: 2 }] }),
  });
  assert.equal(scored.status, 200);
  const unknown = await fetch(`${url}/api/2.0/endpoints/none`);
  assert.deepEqual([unknown.status, unknown.headers.get('x-millrace-error')], [404, 'endpoint_unknown']);
});

test('a version has a page of its own, whose calls it answers itself; that of the endpoint tells who answers', async (t) => {
  const serving = await startTestServing(t);
  const package_ = await storePackage(serving.blobs, logisticOnnx(), logisticPackage());
  const route = testRoute(package_, { endpoint: 'delay' });
  const [champion] = route.arms;
  assert.ok(champion);
  const arms = [
    { ...champion, weight: 0.9 },
    { ...champion, arm: 'challenger', modelVersion: '2 <b>', weight: 0.1 },
  ];
  await serving.replica.applyRoutes(tableOf({ ...route, arms }));
  const page = async (path: string) => (await fetch(`${serving.url}/v2/models/delay${path}/docs`)).text();
  const whole = await page('');
  assert.match(
    whole,
    /answered by <a href="\/v2\/models\/delay\/versions\/1\/docs">.* 90\u202f%, .* 10\u202f%/,
  );
  assert.match(whole, /"path":"\/endpoints\/delay\/invocations"/);
  const second = await page(`/versions/${encodeURIComponent('2 <b>')}`);
  assert.match(second, /version <bdi>2 &lt;b&gt;<\/bdi>, which answers here/);
  assert.deepEqual(second.match(/"path":"[^"]*"/g), ['"path":"/v2/models/delay/versions/2%20%3Cb%3E/infer"']);
  assert.match(await page('/versions/7'), /role="alert">/);
});

test('what is nested stands as itself in requests of JSON, and as its text in tensors alone', () => {
  const base = logisticPackage();
  const tags = { name: 'tags', type: 'string', shape: [], required: true, json: true } as const;
  const bodies = exampleBodies({
    ...base,
    formatVersion: 1,
    model: 'shop',
    contract: null,
    onnx: null,
    signature: { ...base.signature, inputs: [tags] },
    sample: [{ tags: '["a","b"]' }],
  } as unknown as PackageManifest);
  assert.deepEqual(bodies.invocations, { dataframe_split: { columns: ['tags'], data: [[['a', 'b']]] } });
  assert.deepEqual(bodies.predict, { instances: [{ tags: ['a', 'b'] }] });
  assert.partialDeepStrictEqual(bodies.infer, { inputs: [{ name: 'tags', data: ['["a","b"]'] }] });
});

test('the page sends the example, shows the answer, and writes programs that do the same', {
  skip: existsSync(browser) ? false : 'needs Chromium',
}, async (t) => {
  const { url } = await serve(t);
  const chrome = await chromium.launch({ executablePath: browser, args: ['--no-sandbox'] });
  t.after(() => chrome.close());
  const page = await chrome.newPage();
  const problems: string[] = [];
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) problems.push(request.url());
  });
  await page.goto(`${url}/v2/docs`);
  await page.getByRole('link', { name: 'delay' }).click();
  for (const [protocol, answered] of [
    ['infer', /"name": "label"/],
    ['invocations', /"predictions": /],
    ['predict', /"predictions": /],
  ] as const) {
    await page.getByLabel('Protocol').selectOption(protocol);
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText(/^200 OK · /).waitFor();
    assert.match(await page.getByLabel('Answer').innerText(), answered);
    for (const [tab, text] of [
      ['Python', /^import requests/],
      ['curl', /^curl 'http/],
      ['TypeScript', /^const answer = await fetch/],
    ] as const) {
      await page.getByRole('tab', { name: tab }).click();
      const snippet = await page.getByLabel('Snippet').innerText();
      assert.match(snippet, text);
      assert.ok(snippet.includes(url) && snippet.includes('0.25'), snippet);
    }
  }
  await page.getByLabel('Request').fill('{"instances": [{"x1": "one"}]}');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText(/^400 /).waitFor();
  assert.deepEqual(
    problems.filter((text) => !text.includes('400 (Bad Request)')),
    [],
  );

  // What an answer says is shown as it came, digit by digit.
  await page.route('**/v1/models/delay:predict', (route) =>
    route.fulfill({ contentType: 'application/json', body: '{"id": 12345678901234567890, "one": 1.0}' }),
  );
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText('"id": 12345678901234567890').waitFor();
  await page.getByText('"one": 1.0').waitFor();

  await page.goto(`${url}/v2/models/same/docs`);
  assert.ok((await page.locator('header').innerText()).includes(hostile));
  assert.equal(await page.locator('b').count(), 0);

  // An endpoint that asks for a key: so does its page, which shows nothing before, and calls with it.
  problems.length = 0;
  await page.goto(`${url}/v2/models/closed/docs`);
  assert.ok(!(await page.content()).includes('x1'));
  const open = async (key: string) => {
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Open' }).click();
  };
  await open('wrong');
  await page.getByText('the key is not known').waitFor();
  await open('theirs');
  await page.getByText('the key does not allow').waitFor();
  await open('mine');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText(/^200 OK · /).waitFor();
  assert.match(await page.getByLabel('Snippet').innerText(), /"Bearer mine"/);
  await page.getByRole('link', { name: 'OpenAPI document' }).click();
  await page.getByText(/^200 OK · OpenAPI document$/).waitFor();
  await page.getByLabel('API key').fill('');
  await page.getByRole('button', { name: 'Send' }).click();
  await page.getByText(/^401 /).waitFor();
  assert.deepEqual(
    problems.filter((text) => !/status of 40[13]/.test(text)),
    [],
  );
});
