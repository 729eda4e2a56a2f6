import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fail } from '../../../core/errors.ts';
import { cellRows, type Prediction, type RowBlock, ThreadStopped } from '../../../platform/onnx/index.ts';
import { Batcher, type BatcherOptions, type BatchPart, type BatchRequest, type RunCall } from './batcher.ts';

const options: BatcherOptions = {
  endpoint: 'e',
  model: 'm',
  version: '1',
  maxRows: 8,
  maxDelayMs: 0,
  maxWaitingRows: 20,
  concurrency: 1,
  longestWaitMs: Number.POSITIVE_INFINITY,
};
const noDeadline = { deadlineMs: Number.POSITIVE_INFINITY, timeoutMs: Number.POSITIVE_INFINITY };

const request = (values: readonly number[], overrides: Partial<BatchRequest> = {}): BatchRequest => ({
  block: cellRows(values.map((v) => [v])),
  key: '',
  params: null,
  ...noDeadline,
  ...overrides,
});

/** Doubles each number; refuses a batch that holds a negative one. */
function doubling(runs: number[][] = []) {
  return async (blocks: readonly RowBlock[]): Promise<Prediction> => {
    const values = blocks.flatMap((b) => Array.from({ length: b.rowCount }, (_, i) => Number(b.row(i)[0])));
    runs.push(values);
    await new Promise((resolve) => setImmediate(resolve));
    if (values.some((v) => v < 0)) throw new Error('negative');
    const data = Float32Array.from(values, (v) => v * 2);
    const { length } = values;
    const outputs = [{ name: 'y', type: 'float' as const, shape: [length, 1], width: 1, data }];
    return { rowCount: length, outputs, score: Float64Array.from(data) };
  };
}

/** A model that answers when it is told to. */
function held() {
  const runs = doubling();
  const open: (() => void)[] = [];
  const run = async (blocks: readonly RowBlock[]) => {
    await new Promise<void>((resolve) => open.push(resolve));
    return runs(blocks);
  };
  return { run, release: () => open.shift()?.(), waiting: () => open.length };
}

const doubled = async (part: Promise<BatchPart>, rows: number) => {
  const { prediction, from } = await part;
  return Array.from(prediction.outputs[0]!.data).slice(from, from + rows);
};
const outcomes = (results: PromiseSettledResult<unknown>[]) =>
  results.map((r) => (r.status === 'fulfilled' ? r.value : r.reason.code));

test('what arrives in one turn is one batch, and everybody gets the own rows', async () => {
  const runs: number[][] = [];
  const batcher = new Batcher(doubling(runs), options);
  const parts = [[1], [2, 3], [4]].map((values) => doubled(batcher.predict(request(values)), values.length));
  assert.deepEqual(await Promise.all(parts), [[2], [4, 6], [8]]);
  assert.deepEqual(runs, [[1, 2, 3, 4]]);
  assert.equal(batcher.idle, true);
});

test('a request that fits a batch is never cut', async () => {
  const runs: number[][] = [];
  const batcher = new Batcher(doubling(runs), options);
  await Promise.all(
    [
      [1, 1, 1],
      [2, 2, 2, 2, 2, 2],
      [3, 3],
    ].map((values) => batcher.predict(request(values))),
  );
  assert.deepEqual(
    runs.map((run) => run.join('')),
    ['11133', '222222'],
  );
});

test('a request whose runs have rows of several widths fails alone; of several types, they become one', async () => {
  const outputs = [
    { type: 'int64' as const, width: 2, data: [7n, 7n, 7n, 7n] },
    { type: 'double' as const, width: 2, data: [0.5, Number.NaN, 0.5, 0.5] },
    { type: 'double' as const, width: 3, data: [1, 2, 3, 4, 5, 6] },
    { type: 'string' as const, width: 2, data: ['a', null, 'b', 'c'] },
  ];
  const answer = async (blocks: readonly RowBlock[]): Promise<Prediction> => {
    const output = outputs[Number(blocks[0]?.row(0)[0])]!;
    return { rowCount: 2, outputs: [{ name: 'y', shape: [2, output.width], ...output }], score: null };
  };
  const batcher = new Batcher(answer, { ...options, maxRows: 2 });
  const joined = async (values: readonly number[]) => {
    const [output] = (await batcher.predict(request(values))).prediction.outputs;
    return [output?.type, Array.from(output?.data ?? [])];
  };
  const refused = assert.rejects(joined([0, 0, 2, 2]), ({ code, message }) => {
    assert.equal(code, 'inference_failed');
    assert.match(message, /"y" with 2 values a row; then "y" with 3 values a row$/);
    return true;
  });
  assert.deepEqual(await Promise.all([joined([0, 0, 1, 1]), joined([1, 1, 3, 3])]), [
    ['double', [7, 7, 7, 7, 0.5, Number.NaN, 0.5, 0.5]],
    ['string', ['0.5', null, '0.5', '0.5', 'a', null, 'b', 'c']],
  ]);
  await refused;
  assert.equal(batcher.idle, true);
});

test('a request larger than a batch takes turns with others, and comes back in one piece', async () => {
  const runs: number[][] = [];
  const batcher = new Batcher(doubling(runs), { ...options, maxWaitingRows: 1000 });
  const large = Array.from({ length: 30 }, (_, i) => i + 100);
  const order: string[] = [];
  const first = doubled(batcher.predict(request(large)), 30).then((values) => {
    order.push('large');
    return values;
  });
  const small = [1, 2, 3].map((v) => batcher.predict(request([v])).then(() => order.push('small')));
  assert.deepEqual(
    await first,
    large.map((v) => v * 2),
  );
  await Promise.all(small);
  assert.deepEqual(order, ['small', 'small', 'small', 'large']);
  assert.deepEqual(
    runs.map((run) => run.length),
    [8, 3, 8, 8, 6],
  );
  const { prediction, runs: counted } = await batcher.predict(request(large));
  assert.deepEqual(
    [...prediction.score!],
    large.map((v) => v * 2),
  );
  assert.deepEqual(
    counted?.map((run) => run.rows),
    [8, 8, 8, 6],
    'its runs are counted with it',
  );
});

test('a bad request fails alone', async () => {
  const batcher = new Batcher(doubling(), options);
  const results = await Promise.allSettled(
    [[1], [-1], [3]].map((v) => doubled(batcher.predict(request(v)), 1)),
  );
  assert.deepEqual(outcomes(results), [[2], 'inference_failed', [6]]);
});

test('of a batch that failed, nothing is computed again for a caller that has left meanwhile', async () => {
  const runs: number[][] = [];
  const batcher = new Batcher(doubling(runs), options);
  const results = await Promise.allSettled([
    batcher.predict(request([1])),
    batcher.predict(request([-1])),
    batcher.predict(request([2], { hasLeft: () => runs.length > 0 })),
  ]);
  assert.deepEqual(runs, [[1, -1, 2], [1], [-1]]);
  assert.deepEqual(outcomes(results).slice(1), ['inference_failed', 'cancelled']);
});

test('requests of another shape or with other params are computed apart', async () => {
  const runs: number[][] = [];
  const batcher = new Batcher(doubling(runs), options);
  const keys = ['a', 'b', 'a', 'b'];
  await Promise.all(keys.map((key, i) => batcher.predict(request([i], { key }))));
  assert.deepEqual(runs, [
    [0, 2],
    [1, 3],
  ]);
});

test('too many waiting rows are refused at once', async () => {
  const batcher = new Batcher(doubling(), options);
  const first = batcher.predict(request(new Array(18).fill(1)));
  await assert.rejects(batcher.predict(request([1, 2, 3])), { code: 'queue_full', message: /18 rows wait/ });
  assert.equal((await first).prediction.rowCount, 18);
});

test('a deadline is kept while rows wait and while they are computed; rows that came too late are not computed', async () => {
  const { run, release, waiting } = held();
  const batcher = new Batcher(run, options);
  const soon = () => ({ deadlineMs: performance.now() + 500, timeoutMs: 500 });
  const running = batcher.predict(request([1], soon()));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(waiting(), 1);
  const late = [2, 3].map((v) => batcher.predict(request([v], soon())));
  const patient = batcher.predict(request([4]));
  assert.deepEqual(outcomes(await Promise.allSettled([running, ...late])), [
    'deadline_exceeded',
    'deadline_exceeded',
    'deadline_exceeded',
  ]);
  release();
  while (waiting() === 0) await sleep(1);
  release();
  assert.deepEqual((await patient).prediction.rowCount, 1, 'the patient one had the run for itself');
  assert.equal(batcher.idle, true);
});

test('rows wait for a run no longer than they may', async () => {
  const { run, release } = held();
  const batcher = new Batcher(run, { ...options, longestWaitMs: 500 });
  const first = batcher.predict(request([1]));
  await new Promise((resolve) => setImmediate(resolve));
  const deadline = { deadlineMs: performance.now() + 60_000, timeoutMs: 60_000 };
  const later = batcher.predict(request([3], deadline));
  const [waited] = await Promise.allSettled([batcher.predict(request([2]))]);
  assert.equal(waited.status === 'rejected' && waited.reason.code, 'model_busy');
  release();
  while (batcher.waiting > 0) await sleep(1);
  release();
  assert.deepEqual(Array.from((await later).prediction.score ?? []), [6], 'until its own deadline');
  // What a run has taken in time may take as long as it takes.
  assert.deepEqual(Array.from((await first).prediction.score ?? []), [2]);

  const waits: (number | undefined)[] = [];
  const waiting = async (blocks: readonly RowBlock[], { waitMs }: RunCall) => {
    waits.push(waitMs);
    return doubling()(blocks);
  };
  const patient = new Batcher(waiting, { ...options, longestWaitMs: 60_000, maxRows: 1 });
  await patient.predict(request([1, 2]));
  const [fresh = 0, again] = waits;
  assert.ok(fresh > 0 && fresh < 60_000, 'what is left of it');
  assert.equal(again, undefined, 'whose turn it is again has begun');
});

test('of requests that took too long together the quick ones are answered before the slow one has its time', async () => {
  const runs: string[] = [];
  const slow = held();
  const batcher = new Batcher(
    async (blocks, { apart, brief = false, requests }) => {
      const values = blocks.map((block) => Number(block.row(0)[0]));
      runs.push(`${values} ${brief ? 'brief' : apart ? 'apart' : ''}`);
      const timedOut = requests > 1 || (brief && values.includes(2));
      if (timedOut) throw fail('python_timeout', { model: 'm', timeoutMs: 1 });
      return values.includes(2) ? slow.run(blocks) : doubling()(blocks);
    },
    { ...options, maxRows: 3 },
  );
  const [one, two, three] = [1, 2, 3].map((v) => doubled(batcher.predict(request([v])), 1));
  assert.deepEqual([await one, await three], [[2], [6]]);
  assert.deepEqual(runs, ['1,2,3 ', '1 brief', '2 brief', '3 brief', '2 apart']);
  slow.release();
  assert.deepEqual(await two, [4], 'what is slow and no more gets its time');
});

test('a request that took too long is computed with nobody when it comes again', async () => {
  const runs: string[] = [];
  const batcher = new Batcher(
    async (blocks, { apart }) => {
      const values = blocks.map((block) => Number(block.row(0)[0]));
      runs.push(`${values} ${apart ? 'apart' : ''}`);
      if (values.includes(2)) throw fail('python_timeout', { model: 'm', timeoutMs: 1 });
      return doubling()(blocks);
    },
    { ...options, maxRows: 3 },
  );
  await assert.rejects(batcher.predict(request([2])), { code: 'python_timeout' });
  const [one, two, three] = [1, 2, 3].map((v) => doubled(batcher.predict(request([v])), 1));
  await assert.rejects(two!, { code: 'python_timeout' });
  assert.deepEqual([await one, await three], [[2], [6]]);
  assert.deepEqual(runs, ['2 ', '2 apart', '1,3 ']);
  assert.equal(batcher.idle, true);
});

test('a deadline that has passed already is refused without a run', async () => {
  const runs: number[][] = [];
  const batcher = new Batcher(doubling(runs), options);
  const past = batcher.predict(request([1], { deadlineMs: performance.now() - 1, timeoutMs: 5 }));
  await assert.rejects(past, { code: 'deadline_exceeded', status: 504, message: /within 5 ms/ });
  const tiny = batcher.predict(request([1], { deadlineMs: performance.now() - 1, timeoutMs: 0.005 }));
  await assert.rejects(tiny, { message: /within 0.005 ms/ });
  assert.deepEqual(runs, []);
});

test('with a delay rows wait for company, but not once a batch is full', async () => {
  const runs: number[][] = [];
  const batcher = new Batcher(doubling(runs), { ...options, maxDelayMs: 500 });
  const first = batcher.predict(request([1]));
  await new Promise((resolve) => setImmediate(resolve));
  await Promise.all([first, batcher.predict(request([2]))]);
  assert.deepEqual(runs, [[1, 2]]);

  const patient = new Batcher(doubling(runs), { ...options, maxDelayMs: 1e6 });
  await Promise.all(Array.from({ length: 8 }, (_, i) => patient.predict(request([i]))));
  assert.equal(runs.length, 2, 'a full batch does not wait');
});

test('a worker that died fails its requests with 503, once', async () => {
  let runs = 0;
  const batcher = new Batcher(async () => {
    runs++;
    throw new ThreadStopped('out of memory');
  }, options);
  const results = await Promise.allSettled([1, 2, 3].map((v) => batcher.predict(request([v]))));
  assert.deepEqual(outcomes(results), ['model_restarting', 'model_restarting', 'model_restarting']);
  assert.equal(runs, 1);
});

test('an error of the runtime that says what is wrong is passed on', async () => {
  const refuse = fail('input_invalid', {
    input: 'x',
    row: '',
    value: '1.5',
    expected: 'an integer',
    endpoint: 'e',
  });
  const batcher = new Batcher(() => Promise.reject(refuse), options);
  await assert.rejects(batcher.predict(request([1.5])), { code: 'input_invalid' });
});

test('as many runs go on at once as the model takes', async () => {
  const { run, release, waiting } = held();
  const batcher = new Batcher(run, { ...options, maxRows: 1, concurrency: 2 });
  const parts = [1, 2, 3].map((v) => doubled(batcher.predict(request([v])), 1));
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(waiting(), 2);
  for (let i = 0; i < 3; i++) {
    while (waiting() === 0) await sleep(1);
    release();
  }
  assert.deepEqual(await Promise.all(parts), [[2], [4], [6]]);
});

test('a deadline that is further off than a timer can wait is not looked at all the time', async (t) => {
  const timers = t.mock.method(globalThis, 'setTimeout');
  const { run, release } = held();
  const batcher = new Batcher(run, options);
  const timeoutMs = 365 * 86_400_000;
  const part = batcher.predict(request([1], { deadlineMs: performance.now() + timeoutMs, timeoutMs }));
  await new Promise((resolve) => setImmediate(resolve));
  release();
  await part;
  assert.deepEqual(
    timers.mock.calls.map(({ arguments: [, ms] }) => ms),
    [2 ** 31 - 1],
  );
});

test('a request that ended a worker is found without keeping others, and is refused when it comes again', async () => {
  const runs: [number[], string][] = [];
  const crashed = fail('python_crashed', { model: 'm', version: '1', problem: 'signal SIGSEGV' });
  const guilty = held();
  const batcher = new Batcher(
    async (blocks, { apart, brief, requests }) => {
      const values = blocks.map((block) => Number(block.row(0)[0]));
      runs.push([values, `${brief ? 'brief ' : ''}${apart ? 'apart' : ''}`]);
      assert.equal(requests, values.length);
      if (brief && values[0] !== 1) throw fail('python_timeout', { model: 'm', timeoutMs: 1 });
      if (apart && values.includes(-1)) await guilty.run([cellRows([[1]])]);
      // As a graph tells it: its step's error is the cause.
      if (values.includes(-1)) throw fail('graph_step_failed', { step: 's', problem: 'p' }, crashed);
      return doubling()(blocks);
    },
    { ...options, maxRows: 3 },
  );
  const batch = [[1], [-1], [3]].map((v) => doubled(batcher.predict(request(v)), 1));
  assert.deepEqual(await batch[2], [6]);
  assert.deepEqual(await batch[0], [2]);
  assert.deepEqual(await doubled(batcher.predict(request([4])), 1), [8], 'nobody waits for the guilty one');
  assert.equal(batcher.idle, false);
  guilty.release();
  await assert.rejects(batch[1]!, { code: 'graph_step_failed' });
  assert.deepEqual(runs, [
    [[1, -1, 3], ''],
    [[1], 'brief apart'],
    [[-1], 'brief apart'],
    [[3], 'brief apart'],
    [[-1], 'apart'],
    [[3], 'apart'],
    [[4], ''],
  ]);
  await assert.rejects(batcher.predict(request([-1])), { code: 'graph_step_failed' });
  await assert.rejects(batcher.predict(request([-1], { params: { other: 1 } })), {
    code: 'graph_step_failed',
  });
  assert.deepEqual(
    runs.slice(7).map(([values]) => values),
    [[-1]],
    'with other params it is another request',
  );
  assert.equal(batcher.idle, true);
});

test('params may hold whole numbers beyond 2^53, also of a request that ended a worker', async () => {
  const crashed = fail('python_crashed', { model: 'm', version: '1', problem: 'signal SIGSEGV' });
  const batcher = new Batcher(() => Promise.reject(crashed), options);
  const ask = (seed: bigint) => batcher.predict(request([1], { params: { seed } }));
  for (const seed of [2n ** 60n, 2n ** 60n, 2n ** 60n + 1n])
    await assert.rejects(ask(seed), { code: 'python_crashed' });
});

test('a run of a model that does not say where its time went was spent in the model', async () => {
  let spentMs = 0;
  const run = async (blocks: readonly RowBlock[]) => {
    const startedMs = performance.now();
    const prediction = await doubling()(blocks);
    spentMs += performance.now() - startedMs;
    return prediction;
  };
  const batcher = new Batcher(run, { ...options, maxRows: 2 });
  const { timesMs, runs } = await batcher.predict(request([1, 2, 3]));
  const inferMs = timesMs?.infer ?? 0;
  assert.ok(inferMs >= spentMs && spentMs > 0, `${inferMs} of ${spentMs} ms`);
  assert.deepEqual(
    runs?.map(({ rows }) => rows),
    [2, 1],
  );
  assert.ok(runs.every(({ timesMs }) => timesMs.infer > 0 && timesMs.output === 0));
});
