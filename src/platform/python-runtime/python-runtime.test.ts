import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isAlive } from '../../../test/support/processes.ts';
import type { MillraceError } from '../../core/errors.ts';
import { requestField, type SignatureField } from '../../core/model-package.ts';
import type { PythonCall, PythonModel } from './index.ts';
import { SavedModels } from './testing.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const python = join(root, '.venv/bin/python');

interface Expected {
  readonly rows: number[][];
  readonly labels: string[];
  readonly probabilities: number[][];
  readonly values: number[];
  readonly colours: number[];
  readonly colourRows: unknown[][];
  readonly boosted: number[];
  readonly boostedRows: unknown[][];
}

const column = (name: string, type: SignatureField['type'], shape: number[] = []): SignatureField => ({
  name,
  type,
  required: true,
  shape,
});
const numbers = ['a', 'b', 'c', 'd'].map((name) => column(name, 'double'));
const oddInputs = [
  column('word', 'string'),
  column('count', 'long'),
  column('at', 'datetime'),
  column('blob', 'binary'),
  column('flag', 'boolean'),
];
const textInputs = [column('text', 'string'), column('mark', 'string')];
const odd = (word: string | null, count: number | bigint = 2) => [
  word,
  count,
  '2026-03-01T12:00:00Z',
  'AA\nEC\n',
  true,
];

suite('python runtime', { skip: !existsSync(python) }, () => {
  let saved: SavedModels;
  let directory = '';
  let expected: Expected;
  let code: PythonModel;
  let words: PythonModel;

  before(async () => {
    saved = await SavedModels.make(python);
    directory = saved.directory;
    expected = JSON.parse(await readFile(join(directory, 'saved/expected.json'), 'utf8')) as Expected;
  });
  after(() => saved.close());

  const open: SavedModels['open'] = (...args) => saved.open(...args);
  const outputsOf = async (model: PythonModel, rows: readonly (readonly unknown[])[], params?: object) =>
    Object.fromEntries(
      (await model.predict(rows, { params: (params as Record<string, unknown>) ?? null })).map((o) => [
        o.name,
        Array.from(o.data),
      ]),
    );

  const piecesOf = (model: PythonModel, row: readonly unknown[], call: PythonCall = {}) =>
    Array.fromAsync(model.stream(row, call, new AbortController().signal));

  /** Asks again while the worker is started anew. */
  const answeredAtLast = async (model: PythonModel) => {
    for (;;) {
      try {
        return await outputsOf(model, [odd('b')]);
      } catch (error) {
        assert.match((error as MillraceError).code, /^(model_restarting|python_timeout)$/);
      }
    }
  };

  test('a classifier gives what it gives in Python: its label, and its probabilities beside it', async () => {
    const model = await open('forest', numbers, {}, expected.rows.slice(0, 2));
    assert.deepEqual(model.classes, ['late', 'on time']);
    assert.ok(!model.streams);
    assert.equal(model.primary, 'label');
    for (const count of [1, 40]) {
      const { label, probability } = await outputsOf(model, expected.rows.slice(0, count));
      assert.deepEqual(label, expected.labels.slice(0, count));
      assert.deepEqual(probability, expected.probabilities.slice(0, count).flat());
    }
    const [row = []] = expected.rows;
    const unknown = await outputsOf(model, [row], { unknown: 1 });
    assert.deepEqual(
      unknown.label,
      expected.labels.slice(0, 1),
      'params that it does not know change nothing',
    );
  });

  test("XGBoost's own models have one output", async () => {
    const model = await open('booster', numbers);
    const [output] = await model.predict(expected.rows);
    assert.deepEqual([output?.name, output?.type, output?.shape], ['output', 'float', [40]]);
    assert.deepEqual(Array.from(output?.data ?? [], Number), expected.values);
    assert.equal(model.primary, 'output');
  });

  test('texts, times, bytes, integers beyond 2^53, params and tensors reach a model of code', async () => {
    code = await open('odd', oddInputs, { workers: 2 });
    const model = code;
    const rows = [odd('a'), odd('süß', 2n ** 60n), odd(null)];
    const { pid, ...rest } = await outputsOf(model, rows);
    assert.deepEqual(rest, {
      word: ['first', 'süß!', 'nothing'],
      count: [2n, 2n ** 60n, 2n],
      year: [2026, 2026, 2026],
      next: Array(3).fill('2026-03-02T12:00:00'),
      bytes: [3, 3, 3],
      flag: [false, false, false],
    });
    assert.equal(pid?.length, 3);
    assert.deepEqual((await outputsOf(model, [odd('b', 5)], { factor: 3 })).count, [15]);
    assert.ok(saved.lines.includes('asked for 3'));
    await assert.rejects(model.predict([odd('b', 1.5)]), {
      code: 'input_invalid',
      message: /"count" is 1\.5/,
    });

    const tensor = await open('tensor', [column('x', 'float', [2, 3])]);
    const [sum, x] = await tensor.predict([[[1, 2, 3, 4, 5, 6]], [[0, 0, 0, 0, 0, 1]]]);
    assert.deepEqual([Array.from(sum?.data ?? []), x?.shape, x?.width], [[21, 1], [2, 2, 3], 6]);

    // The same model where requests reach it as they come: in its own dtype all the same.
    const asked = await open('tensor', [requestField]);
    const given = { name: 'x', datatype: 'FP64', shape: [1, 2, 3], data: [1, 2, 3, 4, 5, 6] };
    const [answer] = (await outputsOf(asked, [[JSON.stringify({ tensors: [given] })]])).output ?? [];
    assert.deepEqual(JSON.parse(String(answer)).sum, [21]);

    const text = { ...given, datatype: 'BYTES', shape: [1], data: ['x'] };
    await assert.rejects(asked.predict([[JSON.stringify({ tensors: [text] })]]), { code: 'input_refused' });
    await assert.rejects(asked.predict([[JSON.stringify({ csv: '' })]]), { code: 'input_refused' });

    const pixels = await open('pixels', [column('image', 'integer', [2, 2]), column('gain', 'double')]);
    assert.deepEqual(await outputsOf(pixels, [[[1, 2, 3, 250], 0.5]]), {
      sum: [128],
      types: ['uint8 float64'],
    });
    // What the caller has to correct is no failure of the model.
    await assert.rejects(pixels.predict([[[1, 2, 3, 256], 0.5]]), {
      code: 'input_refused',
      message: /"image" holds a number that uint8 does not hold/,
    });
    const at = (...times: string[]) => times.map((time) => odd('c').with(2, time));
    assert.deepEqual(
      (await outputsOf(model, at('2025-12-31T23:30:00-02:00', '2024-01-02', '20230203'))).year,
      [2026, 2024, 2023],
    );
    await assert.rejects(model.predict(at('2026-02-30')), {
      code: 'input_refused',
      message: /"at" is no time that can be read/,
    });

    const nested = [{ ...column('input', 'string'), json: true as const }];
    const [hinted, sums, zones] = await Promise.all([
      open('hinted', nested),
      open('sums', nested),
      open('zones', [{ ...column('input', 'datetime'), unnamed: true }]),
    ]);
    // By a type hint times are Python's own, with their zone.
    assert.deepEqual(await outputsOf(zones, [['2026-03-01T12:00:00+02:00'], ['2026-03-01']]), {
      output: ['2:00:00', 'None'],
    });
    await assert.rejects(zones.predict([['yesterday']]), { code: 'input_refused' });
    assert.deepEqual(await outputsOf(sums, [['[1, 2.5]'], ['[3]']]), { output: [3.5, 3] });
    assert.deepEqual(await outputsOf(hinted, [['{"n":2}'], ['{"n":3}']]), {
      doubled: [4, 6],
      at: Array(2).fill('2026-01-02T00:00:00+00:00'),
    });
    assert.deepEqual(await outputsOf(hinted, [['{"n":2}'], ['{"n":0}']]), {
      output: ['{"doubled": 4, "at": "2026-01-02T00:00:00+00:00"}', 'null'],
    });
  });

  test('what LightGBM and XGBoost learned of categories is asked with texts', async () => {
    const coloured = [column('a', 'double'), column('colour', 'string')];
    const [colours, boosted, booster] = await Promise.all(
      ['colours', 'boosted', 'booster-of-colours'].map((name) => open(name, coloured)),
    );
    assert.deepEqual(await outputsOf(colours!, expected.colourRows), { output: expected.colours });
    // One row at a time too, which has one category of its own; what was never seen is a missing one.
    const given: unknown[] = [];
    for (const row of expected.boostedRows) given.push(...((await outputsOf(booster!, [row])).output ?? []));
    assert.deepEqual(given, expected.boosted);
    const { probability } = await outputsOf(boosted!, expected.boostedRows);
    assert.deepEqual(
      probability?.filter((_, i) => i % 2 === 1),
      expected.boosted,
    );
  });

  test("a model's own error is told in its words and harms no other request", async () => {
    const model = code;
    await assert.rejects(model.predict([odd('raise')]), { message: 'ValueError: this word is not liked' });
    await assert.rejects(model.predict([odd('raise-silently')]), { message: 'Silent: Silent' });
    await assert.rejects(model.predict([odd('short')]), { message: /gave 2 rows as "output" for 1 rows/ });
    const noValue =
      'TypeError: the model gave an object of type generator, which is no value: give a list or an array';
    await assert.rejects(model.predict([odd('generator'), odd('a')]), { message: noValue });
    assert.deepEqual((await outputsOf(model, [odd('b')])).word, ['b!']);
    // The child of a model that forks comes back to the worker too, and must not answer in its place.
    for (const word of ['fork', 'after'])
      assert.deepEqual((await outputsOf(model, [odd(word)])).word, [`${word}!`]);
  });

  test('an optional column that was not sent is none for the model, whatever else is asked at that time', async () => {
    const optional = (name: string, type: SignatureField['type']) =>
      ({ ...column(name, type), required: false, omittable: true }) as const;
    const model = await open('columns', [
      column('word', 'string'),
      optional('count', 'long'),
      optional('flag', 'boolean'),
    ]);
    const rows = [['a', 1, true], ['none'], ['none', 2, true], ['b']];
    const [seen, pair, flag, arrays, zeros] = await model.predict(rows);
    const [word] = String(seen?.data[0]).split(',');
    assert.deepEqual(Array.from(seen?.data ?? []), [`${word},count:int64,flag:bool`, null, null, word]);
    assert.deepEqual([seen?.answered, pair?.json, flag?.json], ['columns', true, true]);
    assert.deepEqual(
      Array.from(pair?.data ?? []),
      ['a', 'none', 'none', 'b'].map((w) => `[1, "${w}", null]`),
    );
    assert.deepEqual(Array.from(flag?.data ?? []), ['true', 'null', 'null', 'true']);
    // Arrays in the cells of a frame are lists, and a text keeps a zero at its end.
    assert.deepEqual([arrays?.json, arrays?.data[0]], [true, '[0.5, 1.0]']);
    assert.deepEqual(zeros?.data[0], 'a\0');
    await assert.rejects(model.predict([['nothing'], ['nothing']]), { name: 'OtherRows' });
  });

  test('an optional list that is null is so for the model, and one that was not sent is no column', async () => {
    const tags = { ...column('tags', 'string'), json: true, required: false, omittable: true } as const;
    const model = await open('lists', [column('x', 'double'), tags]);
    assert.deepEqual(await outputsOf(model, [[1, '["a"]'], [2, null], [3], [4, '[]']]), {
      output: ["['a']", 'None', 'no column', '[]'],
    });
  });

  test('maps reach a model as rows, and what it answers to one row keeps its form', async () => {
    const model = await open('map', [{ ...column('m', 'string'), json: true }]);
    const answer = async (key: string) => {
      const [output] = await model.predict([[JSON.stringify({ [key]: 1 })]]);
      return [output?.answered, output?.name, output?.json === true, ...Array.from(output?.data ?? [])];
    };
    assert.deepEqual(await answer('list'), [undefined, 'output', false, 'list']);
    assert.deepEqual(await answer('pairs'), [undefined, 'output', true, '["pairs", 1]']);
    assert.deepEqual(await answer('alone'), ['row', 'output', false, 'alone']);
    assert.deepEqual(await answer('dictionary'), ['row', 'k', true, '["dictionary"]']);
  });

  test('a request that ends its worker fails at once; other workers answer, and it is started again', async () => {
    const model = code;
    const pidOf = async () => Number((await outputsOf(model, [odd('b')])).pid?.[0]);
    const before = await Promise.all([pidOf(), pidOf()]);
    const poison = assert.rejects(model.predict([odd('exit')]), {
      code: 'python_crashed',
      message: /^a worker .* odd ended with this request: it ended with exit code 9/,
    });
    const others = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => (await outputsOf(model, [odd(`w${i}`)])).word),
    );
    assert.deepEqual(
      others,
      Array.from({ length: 20 }, (_, i) => [`w${i}!`]),
    );
    await poison;
    assert.equal(before.filter(isAlive).length, 1);
    while (model.workers < 2) await sleep(20);

    // A batch of several requests fails at once too; each of them is then tried apart, never by the last worker.
    const spared = await Promise.all([pidOf(), pidOf()]);
    const poisons = Array.from({ length: 2 }, () => model.predict([odd('exit')], { apart: true }));
    let failed = 0;
    for (const p of poisons) void p.catch(() => failed++);
    while (failed < 2) await pidOf();
    assert.equal(spared.filter(isAlive).length, 1);
    while (model.workers < 2) await sleep(20);
  });

  test('a request whose worker was killed from outside is tried once more, a batch of several is not', async () => {
    const model = code;
    assert.deepEqual((await outputsOf(model, [odd('kill once')])).word, ['kill once!']);
    while (model.workers < 2) await sleep(20);
    const together = model.predict([odd('kill'), odd('b')], { requests: 2 });
    await assert.rejects(together, { code: 'python_crashed', message: /signal SIGKILL/ });
    assert.equal(model.workers, 1);
  });

  test('a batch that takes too long fails, and so does one that takes too much memory; the next is answered', async () => {
    const limited = await open('odd', oddInputs, { timeoutMs: 4000 });
    await assert.rejects(limited.predict([odd('sleep')]), { code: 'python_timeout', message: /4000 ms/ });
    assert.deepEqual((await answeredAtLast(limited)).word, ['b!']);
    if (process.platform !== 'linux') return;
    const hungry = await open('odd', oddInputs, { timeoutMs: 100_000, memoryBytes: 900 * 1024 ** 2 });
    const problem = /MB of memory/;
    await assert.rejects(hungry.predict([odd('eat')]), { code: 'python_crashed', message: problem });
  });

  test('what has a short time is tried in a copy of its worker, which answers on when that takes longer', async () => {
    const model = await open('odd', oddInputs, { timeoutMs: 10_000 }, [odd('b')]);
    const { pid: own } = await outputsOf(model, [odd('b')]);
    const brief = (word: string) => model.predict([odd(word)], { brief: true, apart: true });
    await assert.rejects(brief('sleep'), { code: 'python_timeout', message: / 1000 ms/ });
    await assert.rejects(brief('exit'), { code: 'python_timeout' });
    const tried = Object.fromEntries((await brief('a')).map((o) => [o.name, Array.from(o.data)]));
    assert.deepEqual([tried.word, tried.count], [['first'], [2]]);
    if (process.platform === 'linux') assert.notDeepEqual(tried.pid, own);
    assert.deepEqual((await outputsOf(model, [odd('b')])).pid, own);
  });

  test('a model that does not load says why, and leaves neither process nor files', async () => {
    const before = new Set(await readdir(join(directory, 'host/models')));
    await assert.rejects(open('odd', [column('other', 'string')], {}, [['x']]), {
      code: 'python_start_failed',
      message: /KeyError: 'word'|on its own sample/,
    });
    const now = await readdir(join(directory, 'host/models'));
    assert.deepEqual(
      now.filter((name) => !before.has(name)),
      [],
    );
  });

  test('a model that streams gives its answer in pieces, and one that does nothing else is asked for them', async () => {
    words = await open('words', textInputs, { workers: 2, timeoutMs: 10_000 }, [['a b', '']]);
    assert.ok(words.streams);
    const mark = join(directory, 'mark');
    assert.deepEqual(
      (await piecesOf(words, ['one two süß', mark])).map(({ value }) => value),
      ['one ', 'two ', 'süß '],
    );
    const rich = await piecesOf(words, ['one two', mark], { params: { rich: true } });
    assert.deepEqual(rich[1]?.value, {
      word: 'two',
      at: 1,
      score: 0.5,
      more: { odd: null, list: [1, 'b'] },
    });
    assert.deepEqual(
      rich[1]?.outputs.map(({ name, type, shape, data }) => [name, type, shape, ...Array.from(data)]),
      [
        ['word', 'string', [1], 'two'],
        ['at', 'int64', [1], 1],
        ['score', 'float', [1], 0.5],
        ['more', 'string', [1], '{"odd": null, "list": [1, "b"]}'],
      ],
    );
    const rows = [
      ['a b', mark],
      ['c', mark],
    ];
    assert.deepEqual(await outputsOf(words, rows), { output: ['a b ', 'c '] });
    assert.equal(words.primary, 'output');

    const countdown = await open('countdown', [column('n', 'long')], {}, [[1]]);
    const counted = await piecesOf(countdown, [2]);
    assert.deepEqual(
      counted.map(({ outputs: [output] }) => [output?.shape, ...Array.from(output?.data ?? [])]),
      [
        [[1, 2], 2, 2],
        [[1, 2], 1, 1],
      ],
    );
    assert.deepEqual(await outputsOf(countdown, [[2]]), { output: [2, 2, 1, 1] });
  });

  test('errors in a stream come after its pieces; a worker that ends within one is replaced', async () => {
    const mark = join(directory, 'mark');
    const seen: unknown[] = [];
    const stream = async (text: string) => {
      seen.length = 0;
      const { signal } = new AbortController();
      for await (const { value } of words.stream([text, mark], {}, signal)) seen.push(value);
    };
    await assert.rejects(stream('one raise'), { message: 'ValueError: this word is not liked' });
    assert.deepEqual(seen, ['one ']);
    await assert.rejects(stream('one exit'), { code: 'stream_broken', message: /exit code 9/ });
    assert.deepEqual(seen, ['one ']);
    const all = async () => {
      while (words.workers < 2) await sleep(20);
    };
    await all();
    await assert.rejects(stream('exit'), { code: 'python_crashed' });
    await all();
    await stream('two');
    assert.deepEqual(seen, ['two ']);
  });

  test('a stream that nobody wants any more is closed in the model, and its worker is free again', async () => {
    const mark = join(directory, 'mark');
    await writeFile(mark, '');
    const leave = new AbortController();
    const large = words.stream(['large', mark], {}, leave.signal);
    await large.next();
    // Nobody reads on: the model is held back by the socket long before its 2,000 pieces.
    let count = -1;
    for (let now = 0; now !== count || now === 0; ) {
      count = now;
      await sleep(200);
      now = Number(await readFile(mark, 'utf8'));
    }
    assert.ok(count < 500, `${count} pieces`);
    leave.abort();
    for await (const _ of large);
    while ((await readFile(mark, 'utf8')) !== 'closed') await sleep(10);
    const all = ['a', 'b', 'c'].map((text) => piecesOf(words, [text, mark]));
    assert.deepEqual(
      (await Promise.all(all)).map(([piece]) => piece?.value),
      ['a ', 'b ', 'c '],
    );
  });

  test('a worker that is silent within a stream is ended, also when nobody waits for it', async () => {
    const leave = new AbortController();
    const mark = join(directory, 'mark');
    await writeFile(mark, '');
    const left = words.stream(['one sleep', mark], {}, leave.signal);
    await left.next();
    // One that is told to stop before it sleeps would stop.
    while ((await readFile(mark, 'utf8')) !== 'asleep') await sleep(10);
    leave.abort();
    for await (const _ of left);
    while (words.workers === 2) await sleep(20);
  });

  test("a trace reaches the model, as OpenTelemetry's context and in its environment", async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const trace = { traceparent, tracestate: 'vendor=x' };
    const mark = join(directory, 'mark');
    const [piece] = await piecesOf(words, ['trace', mark], { trace });
    assert.equal(piece?.value, `0af7651916cd43dd8448eb211c80319c vendor=x ${traceparent}`);
    await assert.rejects(piecesOf(words, ['trace', mark]), { message: /KeyError: 'TRACESTATE'/ });
  });

  test('closing ends the workers', async () => {
    const model = code;
    const [pid] = (await outputsOf(model, [odd('b')])).pid as number[];
    assert.ok(isAlive(pid ?? 0));
    await model.close();
    assert.ok(!isAlive(pid ?? 0));
  });
});
