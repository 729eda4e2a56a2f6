import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail, type MillraceError } from '../../../core/errors.ts';
import { failureOf } from '../grpc/status.ts';
import { errorAnswer } from './error-answer.ts';

const told = (error: MillraceError, detail = false) =>
  String(errorAnswer('/v2/models/m/infer', error, detail).body);
const version = { model: 'm', version: '2' };

test('what a model, its runtime, a worker or another server said is told to nobody who did not ask for it', () => {
  const thrown = fail('inference_failed', { ...version, problem: 'ValueError: cannot read "4111-1111"' });
  assert.match(told(thrown), /version 2 of m failed on this input: ValueError\. Correct/);
  assert.match(told(thrown, true), /ValueError: cannot read/);
  const scored = errorAnswer('/endpoints/m/invocations', thrown, false);
  assert.equal(scored.status, 400, "as MLflow's server has it");
  assert.equal(JSON.parse(String(scored.body)).error_code, 'BAD_REQUEST');
  const runtime = fail('inference_failed', {
    ...version,
    problem: 'Non-zero status code: idx=4111 of Gather',
  });
  const ended = { ...version, problem: 'it ended with exit code 3: row 4111-1111' };
  const refusedThere = { url: 'http://far', model: 'm', problem: 'it answers 400: 4111-1111 is no number' };
  const inGraph = (cause: unknown, problem: string) =>
    fail('graph_step_failed', { step: 'a', problem }, cause);
  for (const error of [
    thrown,
    runtime,
    fail('python_crashed', ended),
    fail('input_refused', { problem: 'ValueError: cannot read "4111-1111"' }),
    fail('input_refused', { problem: 'Failed to enforce schema of data 4111' }),
    fail('model_restarting', ended),
    fail('stream_broken', ended),
    fail('remote_failed', refusedThere),
    fail('graph_row_refused', { step: 'a', value: '"4111"', field: 'card' }),
    inGraph(new Error('KeyError: 4111'), 'KeyError: 4111'),
    inGraph(fail('remote_failed', refusedThere), fail('remote_failed', refusedThere).message),
  ]) {
    assert.doesNotMatch(told(error), /4111/, error.code);
    assert.match(told(error, true), /4111/, error.code);
  }
  assert.match(
    told(fail('input_refused', { problem: 'ValueError: 4111' })),
    /refuses the input: ValueError\. /,
  );
  assert.match(told(fail('python_crashed', ended)), /ended with this request: it ended with exit code 3\. /);
  assert.match(
    told(fail('remote_failed', refusedThere)),
    /the server http:\/\/far failed for model m: it answers 400\. /,
  );
  assert.match(told(inGraph(new Error('KeyError: 4111'), 'KeyError: 4111')), /step \\"a\\": KeyError\. /);
});

test('what names no value is told in full', () => {
  const memory = fail('python_crashed', { ...version, problem: 'it had more than 2.0 GB of memory' });
  assert.match(told(memory), /it had more than 2\.0 GB of memory/);
  const away = fail('remote_unavailable', { url: 'http://far', model: 'm', problem: 'connect ECONNREFUSED' });
  const step = fail('graph_step_unavailable', { step: 'a', problem: away.message }, away);
  assert.match(
    told(step),
    /step \\"a\\": the server http:\/\/far cannot answer for model m: connect ECONNREFUSED/,
  );
});

test('gRPC tells the detail of an error that it is given', () => {
  const wrong = fail('input_invalid', {
    input: 'x',
    row: '',
    value: '"4111"',
    expected: 'a number',
    endpoint: 'm',
  });
  assert.match(failureOf(wrong).message, /input "x" is "4111"; expected a number/);
});

test('what the worker itself refuses is told with its input; what MLflow says may quote the request', () => {
  const of = (problem: string) => told(fail('input_refused', { problem }));
  for (const own of ['is no time that can be read, such as 2026-01-31T12:00:00Z', 'is no JSON'])
    assert.match(of(`input "at" ${own}`), new RegExp(`refuses the input: input ..at.. ${own}\\. `));
  assert.match(of('input "x" holds a number that uint8 does not hold (0 to 255)'), /uint8 does not hold/);
  for (const quoting of ["could not convert string to float: 'secret'", 'input "x" was secret'])
    assert.match(of(quoting), /: its values are not what it takes\. /);
});
