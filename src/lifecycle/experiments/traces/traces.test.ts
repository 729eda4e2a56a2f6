import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exactDouble, exactInteger, parseExact, pythonDumps } from '../../../core/exact-json.ts';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import { refused, startedExperiment, tester } from '../testing.ts';
import { parseTraceFilter, parseTraceOrder } from './filter.ts';
import type { SpanRecord } from './records.ts';
import { spanContent } from './span-content.ts';
import { incomingSpan, newTrace } from './testing.ts';
import { spanTree } from './tree.ts';

const idOf = (digit: string): string => `tr-${digit.repeat(32)}`;

test('numbers keep every digit through JSON, and doubles their point', () => {
  const text = '{"ns": 1795263344650071313, "whole": 2.0, "list": [1, 0.5, -3], "text": "1e3"}';
  assert.equal(pythonDumps(parseExact(text)), text);
  assert.equal(JSON.stringify(parseExact('[9007199254740993]')), '[9007199254740993]');
  assert.equal(
    pythonDumps([exactInteger('0042'), exactDouble(2), exactDouble(1e21), Number.NaN]),
    '[42, 2.0, 1e+21, NaN]',
  );
});

test('filters are read as MLflow reads them', () => {
  assert.deepEqual(parseTraceFilter("trace.status = 'OK' AND tags.`my key` LIKE 'a%' and timestamp > 5"), [
    { entity: 'attribute', key: 'status', comparator: '=', value: 'OK' },
    { entity: 'tag', key: 'my key', comparator: 'LIKE', value: 'a%' },
    { entity: 'attribute', key: 'timestamp_ms', comparator: '>', value: 5 },
  ]);
  assert.deepEqual(parseTraceFilter("span.attributes.model = 'x' AND run_id = 'r' AND feedback.q IS NULL"), [
    { entity: 'span', key: 'attributes.model', comparator: '=', value: 'x' },
    { entity: 'metadata', key: 'mlflow.sourceRun', comparator: '=', value: 'r' },
    { entity: 'feedback', key: 'q', comparator: 'IS NULL', value: null },
  ]);
  for (const wrong of ["a = 'b'", 'status', "status > 'x'", "x.y = 'z'", "status RLIKE '('", 'status = OK'])
    assert.throws(() => parseTraceFilter(wrong), refused('filter_invalid'), wrong);
  assert.deepEqual(parseTraceOrder(['timestamp DESC', 'tags.a']), [
    { entity: 'attribute', key: 'timestamp_ms', descending: true },
    { entity: 'tag', key: 'a', descending: false },
  ]);
  assert.throws(() => parseTraceOrder(['status', 'status DESC']), refused('filter_invalid', /duplicate/));
});

test('a tree of spans is listed depth first, whatever is missing or goes round', () => {
  const span = (spanId: string, parentId: string | null) => ({ spanId, parentId }) as SpanRecord;
  const tree = spanTree([span('root', null), span('a', 'root'), span('b', 'root'), span('c', 'a')]);
  assert.deepEqual(
    tree.map((item) => [item.span.spanId, item.depth]),
    [
      ['root', 0],
      ['a', 1],
      ['c', 2],
      ['b', 1],
    ],
  );
  const odd = spanTree([span('orphan', 'gone'), span('x', 'y'), span('y', 'x')]);
  assert.deepEqual(
    odd.map((item) => item.span.spanId),
    ['orphan', 'x', 'y'],
  );
});

forEachDatabase((name, open) => {
  test(`${name}: spans and what their client says of the trace meet, in any order and at once`, async (t) => {
    const { tracking, experimentId, start } = await startedExperiment(t, open);
    const { traces } = tracking;
    const run = await start();
    const child = incomingSpan('a', '2', {
      parentSpanId: '1'.repeat(16),
      startNs: '1700000000100000000',
      attributes: [
        ['int', exactInteger('9007199254740993')],
        ['nan', Number.NaN],
      ],
      events: [{ name: 'e', timeNs: '1700000000100000123', attributes: [['n', exactInteger('7')]] }],
    });
    await traces.logSpans(tester, experimentId, [child]);
    assert.equal((await traces.info(tester, idOf('a'))).state, 'IN_PROGRESS');
    const said = newTrace('a', experimentId, {
      durationMs: 300,
      metadata: [
        { key: 'mlflow.trace.sizeStats', value: '{"num_spans": 2}' },
        { key: 'mlflow.sourceRun', value: run.id },
      ],
      tags: [{ key: 'mlflow.traceName', value: 'predict' }],
    });
    await traces.start(tester, said);
    assert.equal(
      (await traces.search(tester, { experimentIds: null, filter: `run_id = '${run.id}'`, limit: 5 })).items
        .length,
      1,
    );
    const root = incomingSpan('a', '1', { endNs: '1700000009000000000' });
    await traces.logSpans(tester, experimentId, [root, child]);
    const { trace, spans } = await traces.get(tester, idOf('a'), { partial: false });
    // What the client said of the time stays.
    assert.deepEqual([trace.state, trace.startTimeMs, trace.durationMs], ['OK', 1_700_000_000_000, 300]);
    assert.deepEqual(
      spans.map((span) => span.name),
      ['span 1', 'span 2'],
    );
    const content = spanContent(spans[1] as SpanRecord);
    assert.deepEqual([content.attributes.int, content.attributes.nan], ['9007199254740993', 'NaN']);
    assert.equal(JSON.stringify(content.events[0]?.time_unix_nano), '1700000000100000123');

    const digits = ['b', 'c', 'd', 'e'];
    await Promise.all(
      digits.flatMap((digit) => [
        traces.start(tester, newTrace(digit, experimentId)),
        traces.logSpans(tester, experimentId, [incomingSpan(digit, '1')]),
        traces.logSpans(tester, experimentId, [incomingSpan('e', '3'), incomingSpan('b', '3')]),
      ]),
    );
    const all = await traces.many(tester, digits.map(idOf));
    assert.deepEqual(
      all.map((item) => [item.trace.id, item.trace.state, item.spans.length]),
      [
        [idOf('b'), 'OK', 2],
        [idOf('c'), 'OK', 1],
        [idOf('d'), 'OK', 1],
        [idOf('e'), 'OK', 2],
      ],
    );
  });

  test(`${name}: pages follow the order, with what has no value last`, async (t) => {
    const { tracking, experimentId } = await startedExperiment(t, open);
    const { traces } = tracking;
    for (const [i, digit] of ['1', '2', '3', '4', '5'].entries()) {
      const tags = i < 3 ? [{ key: 'rank', value: String(9 - i) }] : [];
      await traces.start(
        tester,
        newTrace(digit, experimentId, { startTimeMs: 1000 + i, durationMs: i === 4 ? null : i, tags }),
      );
    }
    const many = (n: number) => Array.from({ length: n }, () => 'timestamp > 5').join(' AND ');
    assert.equal(parseTraceFilter(many(200)).length, 200);
    assert.throws(() => parseTraceFilter(many(201)), refused('filter_invalid', /More than 200/));
    const pagesOf = async (orderBy: readonly string[], filter = '') => {
      const found: string[] = [];
      let after: string | undefined;
      do {
        const page = await traces.search(tester, {
          experimentIds: [experimentId],
          filter,
          orderBy,
          limit: 2,
          after,
        });
        found.push(...page.items.map((trace) => trace.id.slice(-1)));
        after = page.next ?? undefined;
      } while (after);
      return found.join('');
    };
    assert.equal(await pagesOf([]), '54321');
    assert.equal(await pagesOf(['tags.rank']), '32154');
    assert.equal(await pagesOf(['tags.rank DESC']), '12354');
    assert.equal(await pagesOf(['execution_time_ms DESC']), '43215');
    assert.equal(await pagesOf(['timestamp_ms'], "tags.rank IS NULL AND timestamp_ms > '1'"), '45');
    assert.equal(await pagesOf([], "tags.rank RLIKE '^[89]$' AND execution_time_ms < 5"), '21');
    assert.equal(await pagesOf(['request_id'], `request_id IN ('${idOf('2')}', '${idOf('4')}', 'x')`), '24');
    const { next } = await traces.search(tester, { experimentIds: null, limit: 2 });
    const elsewhere = { experimentIds: null, limit: 2, orderBy: ['name'], after: next ?? '' };
    for (const query of [elsewhere, { experimentIds: null, limit: 5, after: 'zz' }])
      await assert.rejects(traces.search(tester, query), refused('invalid_page_token'));
  });

  test(`${name}: what is asked of spans and assessments, and deleting leaves nothing`, async (t) => {
    const { tracking, journal, experimentId } = await startedExperiment(t, open);
    const { traces, assessments } = tracking;
    const attributes = [
      ['model', 'gpt "x"'],
      ['n', exactInteger('3')],
    ] as const;
    await traces.logSpans(tester, experimentId, [incomingSpan('a', '1', { attributes, name: 'load' })]);
    await traces.logSpans(tester, experimentId, [
      incomingSpan('b', '1', { status: { code: 'ERROR', message: 'boom' } }),
    ]);
    const found = async (filter: string) => {
      const page = await traces.search(tester, { experimentIds: [experimentId], filter, limit: 10 });
      return page.items.map((trace) => trace.id.slice(-1)).join('');
    };
    assert.equal(await found("span.name = 'load' AND span.status = 'OK'"), 'a');
    assert.equal(await found('span.attributes.model = \'gpt "x"\''), 'a');
    assert.equal(await found("span.attributes.model = 'gpt'"), '');
    assert.equal(await found("span.attributes.model RLIKE '^gpt'"), 'a');
    assert.equal(await found("trace.text ILIKE '%BOOM%'"), 'b');

    const quality = {
      traceId: idOf('a'),
      kind: 'feedback' as const,
      name: 'quality',
      value: 0.5,
      error: null,
      sourceType: 'HUMAN',
      sourceId: 'ada',
      spanId: null,
      rationale: null,
      metadata: null,
      overrides: null,
      createdAtMs: 1,
      updatedAtMs: 1,
    };
    const first = await assessments.create(tester, quality);
    const second = await assessments.create(tester, {
      ...quality,
      value: 0.9,
      overrides: first.id,
      createdAtMs: 2,
    });
    assert.deepEqual(
      [await found('feedback.quality > 0.8'), await found('feedback.quality < 0.8')],
      ['a', ''],
    );
    assert.equal((await assessments.get(tester, idOf('a'), first.id)).isValid, false);
    await assessments.delete(tester, idOf('a'), second.id);
    assert.equal((await assessments.get(tester, idOf('a'), first.id)).isValid, true);
    await assert.rejects(
      assessments.update(tester, idOf('a'), first.id, { kind: 'expectation', value: 1 }),
      refused('tracking_invalid', /Feedback/),
    );
    await assert.rejects(assessments.get(tester, idOf('a'), 'none'), refused('assessment_unknown'));

    assert.equal(await traces.delete(tester, experimentId, { ids: [idOf('a'), 'none'] }), 1);
    await assert.rejects(traces.info(tester, idOf('a')), refused('trace_unknown'));
    assert.equal((await traces.many(tester, [idOf('a')])).length, 0);
    assert.equal(await traces.delete(tester, experimentId, { ids: [], untilMs: Date.now(), max: 5 }), 1);
    const audited = await journal.auditEntries({ action: 'trace:delete', limit: 10 });
    assert.equal(audited.length, 2);
  });

  test(`${name}: a deleted experiment takes no traces`, async (t) => {
    const { tracking, experimentId } = await startedExperiment(t, open);
    await tracking.experiments.delete(tester, experimentId);
    await assert.rejects(
      tracking.traces.start(tester, newTrace('a', experimentId)),
      refused('experiment_inactive'),
    );
    await assert.rejects(
      tracking.traces.logSpans(tester, experimentId, [incomingSpan('a', '1')]),
      refused('experiment_inactive'),
    );
  });
});
