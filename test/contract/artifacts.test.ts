import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { digestOf } from '../../src/core/json.ts';
import { Bucket } from '../../src/platform/blobs/index.ts';
import { startS3ForFile } from '../support/s3.ts';
import { startServer, type TestServer } from '../support/server.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const s3 = await startS3ForFile();
const clients = {
  'mlflow 3': process.env.MILLRACE_PYTHON ?? join(root, '.venv/bin/python'),
  'mlflow 2': join(root, '.venv-mlflow2/bin/python'),
} as const;
type Part = 'everything' | 'model' | 'multipart' | 'proxy' | 'refusals' | 'roots' | 'upload';
/** What a part saw, by name. */
type Facts = Readonly<Record<string, unknown>>;
type Seen = Readonly<Record<Part, Facts>>;

/** Runs parts of artifacts.py with a real client and gives what each saw. */
async function client(
  url: string,
  parts: readonly Part[],
  env: Readonly<Record<string, string>> = {},
  which: keyof typeof clients = 'mlflow 3',
): Promise<Seen> {
  const quiet = { MLFLOW_DISABLE_TELEMETRY: 'true' };
  const { stdout } = await run(clients[which], ['-W', 'ignore', join(here, 'artifacts.py'), ...parts], {
    env: { ...process.env, ...quiet, MLFLOW_HTTP_REQUEST_MAX_RETRIES: '1', MLFLOW_TRACKING_URI: url, ...env },
    maxBuffer: 64 * 1024 * 1024,
  }).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`artifacts.py failed:\n${error.stdout}\n${error.stderr}`);
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Seen;
}

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-artifacts-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function control(t: TestContext, env: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  return startServer(t, { role: 'control', env });
}

async function s3Control(t: TestContext): Promise<{ server: TestServer; bucket: string }> {
  const bucket = await s3.createBucket();
  const env = { ...s3.env, MILLRACE_ARTIFACTS_DESTINATION: `s3://${bucket}/mill` };
  return { server: await control(t, env), bucket };
}

/** Small files go in parts, so that the test need not send large ones. */
const inParts = {
  MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD: 'true',
  MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE: '1000000',
  MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE: String(5 * 1024 * 1024),
  MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD: 'true',
  MLFLOW_MULTIPART_DOWNLOAD_MINIMUM_FILE_SIZE: '1000000',
};

const rootFiles = ['copy', 'dict.json', 'dict.yaml', 'figure.png', 'image.png', 'images', 'one.txt'];
const tree = [
  ['tree/100%.txt', false, 7],
  ['tree/a b.txt', false, 12],
  ['tree/empty.bin', false, null],
  ['tree/nested', true, null],
  ['tree/ünï.txt', false, 7],
];

function checkEverything(seen: Facts, streams: boolean): void {
  const stream = streams ? ['stream.bin'] : [];
  assert.deepEqual(seen.root, [...rootFiles, ...stream, 'table.json', 'text', 'tree']);
  assert.deepEqual(seen.tree, tree);
  assert.deepEqual(seen.afterDelete, [[], []]);
}

describe('artifacts with the stock client', () => {
  test('all ways to log, list, download and delete; the proxy by itself; paths that leave', async (t) => {
    const server = await control(t);
    const { everything, proxy, refusals, upload } = await client(server.url, [
      'everything',
      'proxy',
      'refusals',
      'upload',
    ]);
    checkEverything(everything, true);
    assert.deepEqual(proxy.headers, {
      'Content-Type': 'text/plain',
      'Content-Disposition': 'attachment; filename=x.txt',
      'Accept-Ranges': 'bytes',
    });
    assert.deepEqual(proxy.ranges, [
      [206, '234', 'bytes 2-4/10'],
      [206, '789', 'bytes 7-9/10'],
      [206, '789', 'bytes 7-9/10'],
      [416, '', 'bytes */10'],
      [304, '', null],
      [200, '0123456789', null],
    ]);
    assert.deepEqual(proxy.listed, { files: [{ path: 'x.txt', is_dir: false, file_size: 10 }] });
    assert.deepEqual((proxy.missing as { error_code: string }).error_code, 'RESOURCE_DOES_NOT_EXIST');
    assert.equal(proxy.folder, "Artifact path refers to a directory, not a file: 'plain'");
    assert.deepEqual([proxy.deleted, proxy.gone, proxy.multipart], [200, {}, 501]);
    assert.equal((proxy.info as Record<string, boolean>).multipart_uploads_enabled, false);
    const answers = Object.entries(refusals.answers as Facts);
    assert.equal(answers.length, 42);
    for (const [what, answer] of answers) assert.deepEqual(answer, [400, 'Invalid path'], what);
    assert.deepEqual(upload.listed, [['d/u.txt', false, 2]]);
    assert.deepEqual(upload.refused, [
      'Request must specify run_uuid.',
      'Request must specify path.',
      'Request must specify data.',
      'Invalid path',
      'Artifact size is too large. Max size is 10MB.',
    ]);
  });

  test('the client of MLflow 2 as well, also asking for parts where there are none', async (t) => {
    const server = await control(t);
    const seen = await client(server.url, ['everything', 'multipart'], inParts, 'mlflow 2');
    checkEverything(seen.everything, false);
    assert.deepEqual(seen.multipart.listed, [['in/parts/large.bin', false, 12 * 1024 * 1024 + 7]]);
  });

  test('kept in S3: the same, and large files in parts past the server', async (t) => {
    const { server, bucket } = await s3Control(t);
    const seen = await client(server.url, ['everything', 'multipart', 'model', 'proxy'], inParts);
    checkEverything(seen.everything, true);
    assert.deepEqual(seen.multipart.listed, [['in/parts/large.bin', false, 12 * 1024 * 1024 + 7]]);
    assert.ok((seen.model.modelFiles as string[]).includes('MLmodel'));
    assert.equal((seen.proxy.info as Record<string, boolean>).multipart_uploads_enabled, true);
    assert.equal((seen.proxy.info as Record<string, boolean>).multipart_downloads_enabled, true);
    const digest = seen.multipart.digest as string;
    const key = `mill/${digest.slice(7, 9)}/${digest.slice(9)}`;
    const stored = new Bucket(bucket, { endpointUrl: s3.endpointUrl, ignoreTls: false });
    assert.equal((await stored.head(key))?.sizeBytes, 12 * 1024 * 1024 + 7);
    assert.deepEqual((await stored.folder('mill/tmp/')).objects, []);
    assert.ok(!existsSync(join(server.dataDirectory, 'blobs')));
  });

  test('roots that clients reach themselves are listed and read, of any kind', async (t) => {
    const { server, bucket } = await s3Control(t);
    const directory = await temporaryDirectory(t);
    const locations = {
      path: join(directory, 'plain'),
      file: pathToFileURL(join(directory, 'by uri')).href,
      s3: `s3://${bucket}/own/artifacts`,
      proxied: 'mlflow-artifacts:/elsewhere',
    };
    const { roots } = await client(server.url, ['roots'], { ...s3.env, ROOTS: JSON.stringify(locations) });
    for (const [kind, made] of Object.entries(roots) as [string, { run: string; uri: string }][]) {
      assert.ok(made.uri.startsWith(locations[kind as keyof typeof locations]), made.uri);
      const list = `${server.url}/api/2.0/mlflow/artifacts/list?run_id=${made.run}`;
      assert.deepEqual(
        await (await fetch(list)).json(),
        {
          root_uri: made.uri,
          files: [
            { path: 'folder', is_dir: true },
            { path: 'top.txt', is_dir: false, file_size: 3 },
          ],
        },
        kind,
      );
      const [inside] = ((await (await fetch(`${list}&path=folder`)).json()) as { files: unknown[] }).files;
      assert.deepEqual(inside, { path: 'folder/hello.txt', is_dir: false, file_size: 5 });
      const file = (path: string) =>
        fetch(`${server.url}/get-artifact?run_id=${made.run}&path=${encodeURIComponent(path)}`);
      assert.equal(await (await file('folder/hello.txt')).text(), 'hello', kind);
      assert.equal((await file('none')).status, 404);
      assert.equal((await file('folder')).status, 400);
      assert.equal((await file('../../x')).status, 400);
      const own = `${server.url}/api/v1/runs/${made.run}/artifact-content?path=top.txt`;
      const part = await fetch(own, { headers: { range: 'bytes=1-' } });
      assert.deepEqual([part.status, await part.text()], [206, 'op'], kind);
      const added = await fetch(
        `${server.url}/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${made.run}&path=new/u.txt`,
        { method: 'POST', body: 'up' },
      );
      assert.equal(added.status, 200, await added.text());
      assert.equal(await (await file('new/u.txt')).text(), 'up', kind);

      const presign = (what: string, body: object) =>
        fetch(`${server.url}/api/2.0/mlflow/artifacts/presigned-${what}-url`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ run_id: made.run, ...body }),
        });
      const upload = await presign('upload', { path: 'past/it.txt' });
      const expected = { s3: 200, proxied: 400, path: 501, file: 501 }[kind];
      assert.equal(upload.status, expected, kind);
      if (kind !== 's3') continue;
      const signed = (await upload.json()) as { presigned_url: string; headers: Record<string, string> };
      const put = await fetch(signed.presigned_url, { method: 'PUT', body: 'past', headers: signed.headers });
      assert.equal(put.status, 200, await put.text());
      const down = (await (await presign('download', { path: 'past/it.txt' })).json()) as Record<
        string,
        string
      >;
      assert.equal(await (await fetch(down.presigned_url ?? '')).text(), 'past');
    }
  });
});

async function created(server: TestServer, location: string): Promise<{ run: string; list: string }> {
  const post = async (path: string, body: object) => {
    const response = await fetch(`${server.url}/api/2.0/mlflow/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return (await response.json()) as never;
  };
  const { experiment_id } = (await post('experiments/create', {
    name: location,
    artifact_location: location,
  })) as { experiment_id: string };
  const made = (await post('runs/create', { experiment_id })) as { run: { info: { run_id: string } } };
  const runId = made.run.info.run_id;
  return { run: runId, list: `${server.url}/api/2.0/mlflow/artifacts/list?run_id=${runId}` };
}

test('links do not lead out of a directory, and the data directory is never one', async (t) => {
  const server = await control(t);
  const directory = await temporaryDirectory(t);
  const { run: runId, list } = await created(server, directory);
  const artifacts = join(directory, runId, 'artifacts');
  await mkdir(join(artifacts, 'real'), { recursive: true });
  await writeFile(join(directory, 'secret.txt'), 'secret');
  await writeFile(join(artifacts, 'real', 'a.txt'), 'a');
  await symlink(join(directory, 'secret.txt'), join(artifacts, 'link.txt'));
  await symlink(directory, join(artifacts, 'out'));
  await symlink(join(artifacts, 'real'), join(artifacts, 'inside'));
  const { files } = (await (await fetch(list)).json()) as { files: { path: string }[] };
  assert.deepEqual(
    files.map((f) => f.path),
    ['inside', 'real'],
  );
  const file = (path: string) => fetch(`${server.url}/get-artifact?run_id=${runId}&path=${path}`);
  assert.equal((await file('link.txt')).status, 400);
  assert.equal((await file('out/secret.txt')).status, 400);
  assert.equal(await (await file('inside/a.txt')).text(), 'a');
  const write = await fetch(
    `${server.url}/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${runId}&path=out/new.txt`,
    { method: 'POST', body: 'x' },
  );
  assert.equal(write.status, 400);
  assert.ok(!existsSync(join(directory, 'new.txt')));

  for (const location of [server.dataDirectory, join(server.dataDirectory, 'serve')]) {
    const { list: forbidden } = await created(server, location);
    const answer = await fetch(forbidden);
    const { error_code, message } = (await answer.json()) as Record<string, string>;
    assert.deepEqual([answer.status, error_code], [403, 'PERMISSION_DENIED'], location);
    assert.match(message ?? '', /data directory/);
  }
});

test('a server that other machines reach reads no directory but its own artifact root', async (t) => {
  const own = await temporaryDirectory(t);
  const other = await temporaryDirectory(t);
  const server = await control(t, { MILLRACE_HOST: '0.0.0.0', MILLRACE_ARTIFACT_ROOT: own });
  const refused = await fetch((await created(server, other)).list);
  assert.equal(refused.status, 403);
  assert.match(((await refused.json()) as { message: string }).message, /reads no directory but its own/);
  assert.equal((await fetch((await created(server, join(own, 'x'))).list)).status, 200);
  const { roots } = await client(server.url, ['roots'], { ROOTS: JSON.stringify({ own: join(own, 'y') }) });
  const made = roots.own as { run: string };
  const listed = await fetch(`${server.url}/api/v1/runs/${made.run}/artifacts`);
  assert.equal(((await listed.json()) as { items: unknown[] }).items.length, 2);
});

/** Puts a file of zeros that breaks off after some bytes, if told so. */
function put(url: string, sizeBytes: number, breakAfterBytes = Number.POSITIVE_INFINITY): Promise<number> {
  const chunk = Buffer.alloc(1024 * 1024);
  return new Promise((resolve, reject) => {
    const sending = request(url, { method: 'PUT', headers: { 'content-length': sizeBytes } }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
    });
    sending.once('error', reject);
    async function* body() {
      for (let sent = 0; sent < sizeBytes; sent += chunk.length) {
        if (sent >= breakAfterBytes) sending.destroy(new Error('line cut'));
        yield chunk.subarray(0, Math.min(chunk.length, sizeBytes - sent));
      }
    }
    Readable.from(body())
      .on('error', () => {})
      .pipe(sending);
  });
}

for (const store of ['a directory', 'S3'] as const) {
  test(`a put that breaks off leaves nothing; a large one is streamed both ways (${store})`, async (t) => {
    const server = store === 'S3' ? (await s3Control(t)).server : await control(t);
    const base = `${server.url}/api/2.0/mlflow-artifacts/artifacts`;
    const spools = store === 'S3' ? 'blob-cache/spool' : 'blobs/tmp';
    await assert.rejects(put(`${base}/cut.bin`, 20_000_000, 10_000_000), /line cut/);
    const spooled = () => readdir(join(server.dataDirectory, spools));
    while ((await spooled()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(await (await fetch(base)).json(), {});

    const memoryMb = () =>
      Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1]) / 1024;
    await put(`${base}/small.bin`, 20_000_000);
    const before = existsSync('/proc/self/status') ? memoryMb() : 0;
    const sizeBytes = (store === 'S3' ? 100 : 300) * 1024 * 1024;
    assert.equal(await put(`${base}/large.bin`, sizeBytes), 200);
    const hash = createHash('sha256');
    let gotBytes = 0;
    for await (const chunk of (await fetch(`${base}/large.bin`)).body ?? []) {
      hash.update(chunk);
      gotBytes += chunk.length;
    }
    assert.equal(gotBytes, sizeBytes);
    const head = await fetch(`${base}/large.bin`, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(sizeBytes)]);
    assert.equal(`sha256:${hash.digest('hex')}`, digestOf(Buffer.alloc(sizeBytes)));
    if (before > 0) assert.ok(memoryMb() - before < 150, `${before} MB became ${memoryMb()} MB`);
    assert.deepEqual(await spooled(), []);
  });
}
