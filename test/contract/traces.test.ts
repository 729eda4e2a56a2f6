import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Trace, TraceDetail } from '../../src/lifecycle/experiments/traces/contract.ts';
import { startServer } from '../support/server.ts';

const run = promisify(execFile);
const pythonOf = (environment: string) =>
  fileURLToPath(new URL(`../../${environment}/bin/python`, import.meta.url));

/** Runs the traced script with an environment's client, and gives the ids that it printed by name. */
async function traced(environment: string, url: string): Promise<Readonly<Record<string, string>>> {
  const script = fileURLToPath(new URL('traces.py', import.meta.url));
  const env = {
    ...process.env,
    MLFLOW_TRACKING_URI: url,
    MLFLOW_DISABLE_TELEMETRY: 'true',
  };
  const { stdout } = await run(pythonOf(environment), ['-W', 'ignore', script], { env }).catch(
    (error: { stdout: string; stderr: string }) => {
      throw new Error(`traces.py failed:\n${error.stdout}\n${error.stderr}`);
    },
  );
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, string>;
}

async function json<T>(url: string): Promise<T> {
  const response = await fetch(url);
  assert.ok(response.ok, `${url}: ${response.status}`);
  return (await response.json()) as T;
}

/** What a screen reads of the trace that was made inside a run. */
async function seen(url: string, ids: Readonly<Record<string, string>>): Promise<TraceDetail> {
  const filter = encodeURIComponent(`run_id = '${ids.run}'`);
  const { items } = await json<{ items: Trace[] }>(`${url}/api/v1/traces?filter=${filter}`);
  assert.deepEqual(
    items.map((trace) => [trace.name, trace.state, trace.sourceRunId]),
    [['answer', 'OK', ids.run]],
  );
  return json<TraceDetail>(`${url}/api/v1/traces/${items[0]?.id}`);
}

test('a traced script runs unchanged with MLflow 3, and its traces are found with all their spans', async (t) => {
  const server = await startServer(t, { role: 'control' });
  const ids = await traced('.venv', server.url);
  const trace = await seen(server.url, ids);
  assert.equal(trace.session, 'session-1');
  assert.equal(trace.user, 'ada');
  assert.equal(trace.isComplete, true);
  assert.deepEqual(
    trace.spans.map((span) => [span.depth, span.name, span.type, span.status]),
    [
      [0, 'answer', 'UNKNOWN', 'OK'],
      [1, 'prompt', 'PARSER', 'OK'],
      [1, 'retrieve', 'RETRIEVER', 'OK'],
    ],
  );
  assert.deepEqual(trace.spans[1]?.attributes.nested, { list: [1, 2.5, 'x', null, true] });
  assert.deepEqual(
    trace.assessments
      .map((a) => [a.name, a.value, a.isValid])
      .sort((a, b) => (String(a) < String(b) ? -1 : 1)),
    [
      ['quality', 0.5, false],
      ['quality', 0.9, true],
      ['truth', { text: ['forty-two'] }, true],
    ],
  );
});

test('a traced script runs unchanged with MLflow 2, whose spans are an artifact', async (t) => {
  const server = await startServer(t, { role: 'control' });
  const ids = await traced('.venv-mlflow2', server.url);
  const trace = await seen(server.url, ids);
  assert.deepEqual(
    trace.spans.map((span) => [span.depth, span.name, span.type]),
    [
      [0, 'answer', 'UNKNOWN'],
      [1, 'prompt', 'PARSER'],
      [1, 'retrieve', 'RETRIEVER'],
    ],
  );
});
