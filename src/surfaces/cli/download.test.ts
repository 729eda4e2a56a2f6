import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCommand } from './testing.ts';

async function openControl(
  t: TestContext,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
) {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-download-'));
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const out = join(folder, 'log.parquet');
  return { server, folder, out, url, words: ['predictions', 'export', 'late', '--out', out] };
}

test('a file that arrives in part never stands under its name, and the one that was there stays', async (t) => {
  const { folder, out, url, words } = await openControl(t, (_, response) => {
    response.setHeader('content-length', 1000);
    response.write('half', () => response.destroy());
  });
  await writeFile(out, 'old');
  const { code, err } = await runCommand(url, words);
  assert.equal(code, 1);
  assert.match(err, /does not answer: the connection ended with 4 B of 1.0 kB received\nNext: /);
  assert.deepEqual(await readdir(folder), ['log.parquet']);
  assert.equal(await readFile(out, 'utf8'), 'old');
});

test('a whole file takes the place of the old one, and a folder that is not there is told before anything is made', async (t) => {
  let asked = 0;
  const { folder, out, url, words } = await openControl(t, (_, response) => {
    asked++;
    response.writeHead(200, { 'millrace-rows': '7' }).end('whole');
  });
  await writeFile(out, 'old');
  const { code, out: said } = await runCommand(url, words);
  assert.equal(code, 0);
  assert.match(said, /^7 predictions of late: /);
  assert.deepEqual(await readdir(folder), ['log.parquet']);
  assert.equal(await readFile(out, 'utf8'), 'whole');
  const nowhere = await runCommand(url, [...words.slice(0, -1), join(folder, 'no', 'log.parquet')]);
  assert.match(nowhere.err, /log\.parquet cannot be written: its folder does not exist\nNext: /);
  assert.equal(asked, 1);
});

test('Ctrl-C while control makes the file ends the request and leaves no file', async (t) => {
  const { server, folder, url, words } = await openControl(t, () => undefined);
  const main = join(fileURLToPath(new URL('../../..', import.meta.url)), 'src/main.ts');
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, ...words, '--url', url],
    { stdio: 'ignore' },
  );
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const [request] = await once(server, 'request');
  assert.equal((await readdir(folder)).length, 1);
  const left = once(request.socket, 'close');
  child.kill('SIGINT');
  assert.deepEqual(await ended, [null, 'SIGINT']);
  await left;
  assert.deepEqual(await readdir(folder), []);
});
