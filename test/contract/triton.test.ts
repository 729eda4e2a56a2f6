import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { exampleModels } from '../../scripts/example-models.ts';
import { freePorts } from '../support/ports.ts';
import { startServer } from '../support/server.ts';

const models = fileURLToPath(new URL('../../examples/models', import.meta.url));
const python = fileURLToPath(new URL('../../.venv-oip/bin/python', import.meta.url));
const skip = existsSync(python) ? false : 'needs the environment of the clients';

test('the example models are what their script makes', async () => {
  for (const [path, content] of exampleModels()) {
    const made = Buffer.from(content as Uint8Array);
    assert.deepEqual(await readFile(join(models, path)), made, path);
  }
});

for (const workers of [1, 2]) {
  test(`what Triton's example programs check holds of a served folder, with ${workers} processes`, {
    skip,
  }, async (t) => {
    const [grpcPort] = await freePorts(1);
    const server = await startServer(t, {
      role: 'serve',
      env: {
        MILLRACE_REPOSITORY: models,
        MILLRACE_SERVER_NAME: 'triton',
        MILLRACE_GRPC_PORT: String(grpcPort),
        MILLRACE_SERVE_WORKERS: String(workers),
      },
    });
    const http = new URL(server.serveUrl).host;
    const script = join(import.meta.dirname, 'triton_examples.py');
    const { stdout } = await promisify(execFile)(python, [script, http, `127.0.0.1:${grpcPort}`]);
    assert.match(stdout, /all examples agree/);
    assert.equal((await server.stop()).code, 0);
  });
}
