import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { canonicalJson, type Digest } from '../../src/core/json.ts';
import { packageManifestSchema } from '../../src/core/model-package.ts';
import { defaultEndpointOptions } from '../../src/lifecycle/serving/index.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { logisticOnnx, logisticPackage } from '../../src/platform/onnx/testing.ts';
import { PythonHost } from '../../src/platform/python-runtime/index.ts';
import { testGrpcServer } from '../support/grpc.ts';
import {
  startTestServing,
  storePackage,
  type TestServing,
  testRoute,
  unshippedRows,
} from '../support/serving.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const python = join(root, '.venv/bin/python');
const clients = join(root, '.venv-oip/bin/python');
const browser = '/usr/bin/chromium';

suite('answers in pieces', { skip: !existsSync(python) }, () => {
  let directory = '';
  let serving: TestServing;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-streaming-'));
    await run(python, [join(import.meta.dirname, 'streaming_model.py'), join(directory, 'model')]);
    const host = new PythonHost({
      python,
      directory: join(directory, 'host'),
      mode: 'given',
      wheels: null,
      cacheBytes: 1e9,
      workers: 2,
      memoryBytes: 2e9,
      timeoutMs: 60_000,
      logger: createLogger('test', 'silent'),
    });
    serving = await startTestServing(
      { after: () => {} },
      {
        runtimes: { python: host },
      },
    );
    const delay = await storePackage(serving.blobs, logisticOnnx(), logisticPackage());
    const words = await storeWords();
    const options = {
      ...defaultEndpointOptions,
      limits: { ...defaultEndpointOptions.limits, concurrentRequests: 8 },
    };
    await serving.replica.applyRoutes({
      version: 1,
      endpoints: [testRoute(words, { endpoint: 'words', options }), testRoute(delay, { endpoint: 'delay' })],
    });
  });
  after(async () => {
    await serving.stop();
    await rm(serving.directory, { recursive: true, force: true });
    await rm(directory, { recursive: true, force: true });
  });

  async function storeWords(): Promise<Digest> {
    const saved = join(directory, 'model');
    const entries = await readdir(saved, { recursive: true, withFileTypes: true });
    const files = [];
    for (const entry of entries.filter((e) => e.isFile())) {
      const path = join(entry.parentPath, entry.name);
      const { digest } = await serving.blobs.put(await readFile(path));
      files.push({ path: relative(saved, path), digest });
    }
    const manifest = packageManifestSchema.parse({
      formatVersion: 1,
      model: 'words',
      runtime: { kind: 'python', flavor: 'python_function', files, requirements: [], pythonVersion: null },
      onnx: null,
      signature: {
        inputs: [{ name: 'prompt', type: 'string' }],
        outputs: [{ name: 'output', type: 'string' }],
      },
      graph: {
        inputs: [{ name: 'prompt', type: 'string', shape: [-1], columns: ['prompt'] }],
        outputs: [{ name: 'output', type: 'string', shape: [-1] }],
      },
      score: null,
      primary: 'output',
      classes: null,
      contract: null,
      sample: [{ prompt: 'a b' }],
    });
    return (await serving.blobs.put(canonicalJson(manifest))).digest;
  }

  const open = (path: string, body: object, signal?: AbortSignal) =>
    fetch(serving.url + path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
      ...(signal ? { signal } : {}),
    });

  /** The data of the events of an answer, as they come. */
  async function* eventsOf(response: Response): AsyncGenerator<string> {
    let text = '';
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += part;
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        assert.equal(text.slice(0, 6), 'data: ');
        yield text.slice(6, end);
        text = text.slice(end + 2);
      }
    }
    assert.equal(text, '');
  }
  const allOf = async (path: string, body: object) => {
    const response = await open(path, body);
    assert.equal(response.status, 200, await (response.status === 200 ? '' : response.text()));
    assert.equal(response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    return Array.fromAsync(eventsOf(response));
  };
  const rowOf = async (id: string) => {
    for (;;) {
      const row = (await unshippedRows(serving.directory, 'words')).find((r) => r.prediction_id === id);
      if (row) return row;
      await sleep(20);
    }
  };

  test('generate_stream: an event for each piece, one row in the log with all of them', async () => {
    const events = await allOf('/v2/models/words/generate_stream', {
      id: 'g1',
      text_input: 'one two süß',
      parameters: { entity: 'customer-4', temperature: 0 },
    });
    assert.deepEqual(
      events.map((text) => JSON.parse(text)),
      ['one', ' two', ' süß'].map((text_output) => ({
        id: 'g1',
        model_name: 'words',
        model_version: '1',
        text_output,
      })),
    );
    const row = await rowOf('g1');
    assert.deepEqual(
      [row.status, row.entity, row.outputs, row['feature:prompt'], row.arm],
      ['ok', 'customer-4', { output: 'one two süß' }, 'one two süß', 'champion'],
    );
    assert.ok((row.first_us as number) > 0 && (row.first_us as number) <= (row.latency_us as number));
    const metrics = await (await fetch(`${serving.url}/metrics`)).text();
    const labels = 'endpoint="words",version="1",arm="champion"';
    assert.match(metrics, new RegExp(`millrace_predictions_total\\{${labels},status="ok"[^}]*\\} 1\n`));
    assert.match(metrics, new RegExp(`millrace_stream_pieces_total\\{${labels}[^}]*\\} 3\n`));
    assert.match(metrics, new RegExp(`millrace_stream_first_seconds_count\\{[^}]*${labels}[^}]*\\} 1\n`));
    const { json } = await serving.post('/v2/models/words/versions/1/generate', {
      prompt: ['a b c'],
      max_words: 2,
    });
    assert.deepEqual([json.output, json.model_name], ['a b', 'words']);
  });

  test("infer_stream: MLServer's form of the same, parameters are the model's", async () => {
    const inputs = [{ name: 'prompt', datatype: 'BYTES', shape: [1, 1], data: ['a b c'] }];
    const body = { id: 'i1', inputs, parameters: { max_words: 2, binary_data_output: true } };
    const events = (await allOf('/v2/models/words/infer_stream', body)).map((text) => JSON.parse(text));
    assert.deepEqual(
      events.map(({ id, outputs }) => [id, outputs]),
      ['a', ' b'].map((text) => ['i1', [{ name: 'output', datatype: 'BYTES', shape: [1], data: [text] }]]),
    );
    const two = { inputs: [{ name: 'prompt', datatype: 'BYTES', shape: [2, 1], data: ['a', 'b'] }] };
    const refused = await open('/v2/models/words/infer_stream', two);
    assert.deepEqual(
      [refused.status, ((await refused.json()) as { error: string }).error],
      [400, 'an answer in pieces is for one row; the request has 2. Correct the request and send it again.'],
    );
  });

  test('invocations with "stream": what the model gives, then [DONE]; the bare form is answered barely', async () => {
    for (const body of [
      { dataframe_split: { columns: ['prompt'], data: [['a b c']] }, params: { max_words: 2 } },
      { prompt: 'a b c', max_words: 2 },
    ]) {
      const events = await allOf('/endpoints/words/invocations', { ...body, stream: true });
      assert.deepEqual(events, ['"a"', '" b"', '[DONE]']);
    }
    const bare = await open('/endpoints/words/invocations', { prompt: 'a b c', max_words: 2 });
    assert.deepEqual(await bare.json(), ['a b']);
    const broken = await allOf('/endpoints/words/invocations', { prompt: 'a raise', stream: true });
    const [first, error, done] = broken;
    assert.deepEqual([first, done], ['"a"', '[DONE]']);
    const { error: told, error_code } = JSON.parse(error ?? '');
    assert.match(told, /failed on this input: ValueError\. /);
    assert.equal(error_code, 'BAD_REQUEST');
  });

  test('the OpenAPI document and the page of a model that streams have its calls; those of others do not', async () => {
    const read = async (name: string) => {
      const answer = await fetch(`${serving.url}/v2/models/${name}/docs/dataplane.json`);
      return (await answer.json()) as {
        paths: Record<string, { post?: { requestBody: { content: Record<string, { example: object }> } } }>;
      };
    };
    const { paths } = await read('words');
    const at = '/v2/models/words/generate';
    const { example } = paths[`${at}_stream`]?.post?.requestBody.content['application/json'] ?? {};
    assert.deepEqual(example, { prompt: 'a b' });
    assert.ok((await allOf(`${at}_stream`, example ?? {})).length > 1, 'its example is answered');
    assert.equal((await open(at, example ?? {})).status, 200);
    assert.ok(paths[at]);
    assert.ok(Object.keys((await read('delay')).paths).every((path) => !path.includes('generate')));
    const page = async (name: string) => (await fetch(`${serving.url}/v2/models/${name}/docs`)).text();
    assert.match(await page('words'), /<option value="stream">In pieces/);
    assert.ok(!(await page('delay')).includes('value="stream"'));
  });

  test('a page shows the pieces of an answer, and writes programs that read them', {
    skip: existsSync(browser) ? false : 'needs Chromium',
  }, async (t) => {
    const chrome = await chromium.launch({ executablePath: browser, args: ['--no-sandbox'] });
    t.after(() => chrome.close());
    const page = await chrome.newPage();
    await page.goto(`${serving.url}/v2/models/words/docs`);
    await page.getByLabel('Protocol').selectOption('stream');
    await page.getByRole('button', { name: 'Send' }).click();
    await page.getByText(/^200 OK · /).waitFor();
    assert.match(await page.getByLabel('Answer').innerText(), /^data: \{.*\n\ndata: \{/s);
    const snippet = page.getByLabel('Snippet');
    for (const [tab, text] of [
      ['Python', /stream=True/],
      ['curl', /^curl -N 'http/],
      ['TypeScript', /TextDecoderStream/],
    ] as const) {
      await page.getByRole('tab', { name: tab }).click();
      assert.match(await snippet.innerText(), text);
    }
    await page.getByRole('tab', { name: 'Python' }).click();
    const { stdout } = await run(python, ['-c', await snippet.innerText()]);
    assert.ok(stdout.trim().split('\n').length > 1, stdout);
    await page.getByRole('tab', { name: 'TypeScript' }).click();
    const program = join(directory, 'snippet.mts');
    await writeFile(program, await snippet.innerText());
    const typed = await run(process.execPath, [program]);
    assert.ok(typed.stdout.trim().split('\n').length > 1, typed.stdout);
  });

  test('a model that does not stream gives one event, and is no model for "stream"', async () => {
    const [event, ...more] = await allOf('/v2/models/delay/generate_stream', { x1: 0, x2: 0 });
    assert.deepEqual([JSON.parse(event ?? '').probability, more], [[0.5, 0.5], []]);
    const rows = { dataframe_records: [{ x1: 0, x2: 0 }] };
    const refused = await open('/endpoints/delay/invocations', { ...rows, stream: true });
    assert.equal(refused.status, 400);
    assert.equal(refused.headers.get('x-millrace-error'), 'stream_unsupported');
    const { message } = (await refused.json()) as { message: string };
    assert.match(message, /does not answer in pieces\. Leave "stream" out/);
    const unknown = await open('/v2/models/nowhere/generate_stream', { x1: 0 });
    assert.equal(unknown.status, 404);
  });

  test('errors before the first piece have their status, later ones are events; a crash harms nobody else', async () => {
    const refused = await open('/v2/models/words/generate_stream', { id: 'e1', text_input: 'raise at once' });
    assert.deepEqual([refused.status, refused.headers.get('x-millrace-error')], [500, 'inference_failed']);
    const [piece, error] = await allOf('/v2/models/words/generate_stream', {
      id: 'e2',
      text_input: 'ok exit',
    });
    assert.equal(JSON.parse(piece ?? '').text_output, 'ok');
    assert.match(JSON.parse(error ?? '').error, /ended before its answer did/);
    const row = await rowOf('e2');
    assert.deepEqual([row.status, row.outputs], ['stream_broken', { output: 'ok' }]);
    const [other] = await allOf('/v2/models/words/generate_stream', { text_input: 'fine' });
    assert.equal(JSON.parse(other ?? '').text_output, 'fine');
  });

  test('a caller who leaves stops the model; one whose time is up is told', async () => {
    const leave = new AbortController();
    const body = { id: 'c1', text_input: 'endless' };
    const events = eventsOf(await open('/v2/models/words/generate_stream', body, leave.signal));
    assert.equal(JSON.parse((await events.next()).value ?? '').text_output, 'endless');
    leave.abort();
    await assert.rejects(async () => {
      for await (const _ of events);
    }, /abort/);
    const row = await rowOf('c1');
    assert.equal(row.status, 'cancelled');
    assert.match((row.outputs as { output: string }).output, /^endless/);
    assert.ok((row.latency_us as number) < 9_000_000, 'long before the 1,000 words');

    const late = await allOf('/v2/models/words/generate_stream', {
      id: 'd1',
      text_input: 'late sleep late',
      parameters: { timeout: 500_000 },
    });
    assert.deepEqual(
      late.map((text) => JSON.parse(text)).map(({ text_output, error }) => text_output ?? error.slice(0, 50)),
      ['late', 'endpoint "words" could not answer within 500 ms. S'],
    );
    assert.equal((await rowOf('d1')).status, 'deadline_exceeded');
  });

  test('the limit of requests at a time counts answers until they end', async () => {
    const leave = new AbortController();
    const body = { text_input: 'endless' };
    const held = Array.from({ length: 8 }, () =>
      open('/v2/models/words/generate_stream', body, leave.signal),
    );
    await Promise.race(held);
    let status = 0;
    while (status !== 429) {
      const response = await open('/v2/models/words/generate', { text_input: 'x' });
      status = response.status;
      assert.ok([200, 429].includes(status), `${status}`);
    }
    leave.abort();
    await Promise.allSettled(held);
    while (status !== 200) status = (await open('/v2/models/words/generate', { text_input: 'x' })).status;
  });

  test('tritonclient: a decoupled model gives several answers to a request', {
    skip: !existsSync(clients),
  }, async () => {
    const grpc = testGrpcServer(serving.replica);
    try {
      const port = await grpc.listen('127.0.0.1', 0, '--grpc-port');
      const script = join(import.meta.dirname, 'grpc/streaming_client.py');
      const { stdout } = await run(clients, [script, `127.0.0.1:${port}`]);
      assert.match(stdout, /all clients agree/);
      assert.equal((await rowOf('left')).status, 'cancelled');
      assert.match(String((await rowOf('late')).status), /^(deadline_exceeded|cancelled)$/);
      assert.deepEqual((await rowOf('one')).outputs, { output: 'one two three' });
    } finally {
      await grpc.close();
    }
  });

  test('a server that stops waits for answers a while, and says so when it breaks them off', async () => {
    const events = eventsOf(
      await open('/v2/models/words/generate_stream', { id: 's1', text_input: 'endless' }),
    );
    await events.next();
    // The model stays as long as its answer.
    await serving.replica.applyRoutes({ version: 2, endpoints: [] });
    const stopped = serving.stop();
    let last = '';
    for await (const event of events) last = event;
    assert.match(JSON.parse(last).error, /the server stops/);
    await stopped;
    assert.equal((await rowOf('s1')).status, 'stream_stopped');
  });
});
