import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Cleanup } from './server.ts';

/** A server that speaks S3, and what a client needs to reach it. */
interface S3Server {
  readonly endpointUrl: string;
  /** Credentials and endpoint as the AWS SDKs, boto3 and MLflow read them. */
  readonly env: Readonly<Record<string, string>>;
  /** Makes a new bucket and returns its name. */
  createBucket(): Promise<string>;
}

const python =
  process.env.MILLRACE_PYTHON ?? fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));

/** Prints its address, then serves until its input ends, so that it cannot outlive the tests. */
const program = `
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
print(f"http://{host}:{port}", flush=True)
sys.stdin.read()
server.stop()
`;

/** Starts moto's S3 on a free port of 127.0.0.1, until the test ends. Objects are kept in memory. */
async function startS3(t: Cleanup): Promise<S3Server> {
  const child = spawn(python, ['-W', 'ignore', '-c', program], { stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  t.after(async () => {
    child.stdin.end();
    await exited;
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log = (log + text).slice(-10_000);
  });
  const endpointUrl = await new Promise<string>((resolve, reject) => {
    child.stdout.setEncoding('utf8').once('data', (line: string) => resolve(line.trim()));
    child.once('exit', () => reject(new Error(`moto ended:\n${log}`)));
  });
  return {
    endpointUrl,
    env: {
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_EC2_METADATA_DISABLED: 'true',
      MLFLOW_S3_ENDPOINT_URL: endpointUrl,
    },
    async createBucket() {
      const bucket = `test-${randomUUID()}`;
      const response = await fetch(`${endpointUrl}/${bucket}`, { method: 'PUT' });
      if (!response.ok) throw new Error(`moto made no bucket: ${response.status} ${await response.text()}`);
      return bucket;
    },
  };
}

/** The same for all tests of a file: call it before the first of them. */
export async function startS3ForFile(): Promise<S3Server> {
  const cleanup: (() => void | Promise<void>)[] = [];
  after(async () => {
    for (const clean of cleanup) await clean();
  });
  const s3 = await startS3({ after: (clean) => void cleanup.push(clean) });
  Object.assign(process.env, s3.env);
  return s3;
}
