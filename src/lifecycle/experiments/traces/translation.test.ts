import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exactInteger } from '../../../core/exact-json.ts';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import { startedExperiment, tester } from '../testing.ts';
import type { IncomingSpan, SpanRecord } from './records.ts';
import { readSpan, spanContent } from './span-content.ts';
import { incomingSpan, newTrace } from './testing.ts';
import { traceUsage } from './usage.ts';

type Attributes = Readonly<Record<string, unknown>>;

/** What is stored of a span with such attributes, but for what it said itself. */
function added(attributes: Attributes, change: Partial<IncomingSpan> = {}): Readonly<Record<string, string>> {
  const read = readSpan(incomingSpan('a', '1', { attributes: Object.entries(attributes), ...change }));
  const own = new Set([...Object.keys(attributes), 'mlflow.traceRequestId']);
  return Object.fromEntries(Object.entries(read.attributes).filter(([key]) => !own.has(key)));
}

test('the kinds of steps of other exporters are MLflow types', () => {
  const kinds: readonly (readonly [string, string, string | undefined])[] = [
    ['openinference.span.kind', 'RETRIEVER', '"RETRIEVER"'],
    ['gen_ai.operation.name', 'execute_tool', '"TOOL"'],
    ['gen_ai.operation.name', 'chat', '"CHAT_MODEL"'],
    ['traceloop.span.kind', 'tool', '"TOOL"'],
    ['ai.operationId', 'ai.embed', '"EMBEDDING"'],
    ['langfuse.observation.type', 'generation', '"LLM"'],
    ['openinference.span.kind', 'constructor', undefined],
    ['gen_ai.operation.name', 'something new', undefined],
  ];
  for (const [key, value, type] of kinds) {
    assert.equal(added({ [key]: value })['mlflow.spanType'], type, `${key} = ${value}`);
  }
  const known = { 'openinference.span.kind': 'TOOL', 'mlflow.spanType': 'AGENT' };
  const read = (attributes: Attributes) =>
    readSpan(incomingSpan('a', '1', { attributes: Object.entries(attributes) })).attributes[
      'mlflow.spanType'
    ];
  assert.equal(read(known), '"AGENT"');
  assert.equal(read({ ...known, 'mlflow.spanType': 'UNKNOWN' }), '"TOOL"');
});

test('inputs, outputs, tokens and model of other exporters are readable by their MLflow names', () => {
  assert.deepEqual(
    added({
      'gen_ai.input.messages': '[{"role": "user", "content": "2+2"}]',
      'gen_ai.output.messages': '[{"role": "assistant", "content": "4"}]',
      'gen_ai.usage.input_tokens': exactInteger('7'),
      'gen_ai.usage.output_tokens': exactInteger('1'),
      'gen_ai.usage.cache_creation.input_tokens': exactInteger('3'),
      'gen_ai.request.model': 'm-latest',
      'gen_ai.response.model': 'm-2026',
      'gen_ai.provider.name': 'acme',
      'gen_ai.tool.definitions': '[{"name": "add"}]',
    }),
    {
      'mlflow.spanInputs': '[{"role": "user", "content": "2+2"}]',
      'mlflow.spanOutputs': '[{"role": "assistant", "content": "4"}]',
      'mlflow.chat.tokenUsage':
        '{"input_tokens": 7, "output_tokens": 1, "total_tokens": 8, "cache_creation_input_tokens": 3}',
      'mlflow.chat.tools': '[{"name": "add"}]',
      'mlflow.llm.provider': '"acme"',
      'mlflow.llm.model': '"m-2026"',
    },
  );
  // The first convention that says something counts; what is empty says nothing.
  assert.deepEqual(added({ 'input.value': '{}', 'traceloop.entity.input': 'hello', 'output.value': '' }), {
    'mlflow.spanInputs': '"hello"',
  });
  assert.deepEqual(added({ 'gen_ai.prompt.0.content': 'hi', 'llm.usage.total_tokens': '26' }), {
    'mlflow.spanInputs': '"hi"',
    'mlflow.chat.tokenUsage': '{"total_tokens": 26}',
  });
  assert.deepEqual(added({ 'lk.agent_name': 'x', 'lk.input_text': 'say' }), {
    'mlflow.spanInputs': '"say"',
    'mlflow.message.format': '"livekit"',
  });
  assert.deepEqual(added({ 'input.value': 'theirs', 'mlflow.spanInputs': 'ours' }), {});
});

test('texts in events are inputs and outputs', () => {
  const event = (name: string, attributes: Attributes) => ({
    name,
    timeNs: '1',
    attributes: Object.entries(attributes),
  });
  const spring = [event('gen_ai.content.prompt', { 'gen_ai.prompt': '{"model": "m"}' })];
  assert.deepEqual(added({}, { events: spring }), {
    'mlflow.spanInputs': '{"model": "m"}',
    'mlflow.llm.model': '"m"',
  });
  const chat = [
    event('gen_ai.system.message', { content: 'rules' }),
    event('gen_ai.user.message', { content: '[{"type": "text"}]' }),
    event('gen_ai.user.message', { role: 'user' }),
    event('gen_ai.choice', { content: 'yes', index: 0 }),
    event('something else', { content: 'no' }),
  ];
  assert.deepEqual(added({}, { events: chat }), {
    'mlflow.spanInputs':
      '[{"role": "system", "content": "rules"}, {"role": "user", "content": [{"type": "text"}]}]',
    'mlflow.spanOutputs': '[{"role": "assistant", "content": "yes"}]',
  });
});

test('the root span of a known program carries the name of its service', () => {
  const from = (service: string, parentSpanId: string | null) =>
    added({}, { parentSpanId, resource: [['service.name', service]] });
  assert.deepEqual(from('gemini-cli', null), { 'service.name': '"gemini-cli"' });
  assert.deepEqual(from('gemini-cli', '2'.repeat(16)), {});
  assert.deepEqual(from('shop', null), {});
});

test('a trace sums up its spans, and none twice that a parent sums up already', () => {
  const node = (spanId: string, parentId: string | null, input?: number) => ({
    spanId,
    parentId,
    attributes: input
      ? { 'mlflow.chat.tokenUsage': `{"input_tokens": ${input}, "total_tokens": ${input}}` }
      : {},
  });
  const tokens = (...nodes: ReturnType<typeof node>[]) => traceUsage(nodes).map(({ value }) => value);
  const leaves = [node('a', 'root', 2), node('b', 'mid', 3)];
  const five = '{"input_tokens": 5, "output_tokens": 0, "total_tokens": 5}';
  assert.deepEqual(tokens(node('root', null), node('mid', 'root'), ...leaves), [five]);
  assert.deepEqual(tokens(...leaves), [five]);
  assert.deepEqual(tokens(node('root', null, 5), node('mid', 'root'), ...leaves), [five]);
  assert.deepEqual(tokens(node('root', null)), []);
  const cost = { 'mlflow.llm.cost': '{"input_cost": 0.5, "output_cost": 0.5, "total_cost": 1.0}' };
  assert.deepEqual(traceUsage([{ spanId: 'a', parentId: null, attributes: cost }]), [
    { key: 'mlflow.trace.cost', value: '{"input_cost": 0.5, "output_cost": 0.5, "total_cost": 1.0}' },
  ]);
});

forEachDatabase((name, open) => {
  test(`${name}: tokens of spans that come one by one are summed over the whole trace`, async (t) => {
    const { tracking, experimentId } = await startedExperiment(t, open);
    const { traces } = tracking;
    const id = `tr-${'a'.repeat(32)}`;
    const span = (digit: string, parent: string | null, input: number): IncomingSpan =>
      incomingSpan('a', digit, {
        parentSpanId: parent?.repeat(16) ?? null,
        attributes: [
          ['openinference.span.kind', 'LLM'],
          ['llm.token_count.prompt', exactInteger(String(input))],
          ['llm.token_count.completion', exactInteger('1')],
          ['input.value', `question ${digit}`],
        ],
      });
    const usage = async () =>
      (await traces.info(tester, id)).metadata.find(({ key }) => key === 'mlflow.trace.tokenUsage')?.value;
    await traces.logSpans(tester, experimentId, [span('2', '1', 10)]);
    assert.equal(await usage(), '{"input_tokens": 10, "output_tokens": 1, "total_tokens": 11}');
    await traces.logSpans(tester, experimentId, [span('3', '1', 20), span('2', '1', 10)]);
    assert.equal(await usage(), '{"input_tokens": 30, "output_tokens": 2, "total_tokens": 32}');
    await traces.logSpans(tester, experimentId, [span('1', null, 35)]);
    assert.equal(await usage(), '{"input_tokens": 35, "output_tokens": 1, "total_tokens": 36}');
    const { trace, spans } = await traces.get(tester, id, { partial: false });
    assert.equal(trace.requestPreview, '"question 1"');
    assert.deepEqual(
      spans.map((s: SpanRecord) => [s.type, spanContent(s).attributes['mlflow.spanInputs']]),
      ['1', '2', '3'].map((digit) => ['LLM', `"question ${digit}"`]),
    );
    const found = await traces.search(tester, { experimentIds: null, filter: "span.type = 'LLM'", limit: 5 });
    assert.deepEqual(
      found.items.map((item) => item.id),
      [id],
    );
  });

  test(`${name}: what the client says of its tokens stays`, async (t) => {
    const { tracking, experimentId } = await startedExperiment(t, open);
    const { traces } = tracking;
    const said = { key: 'mlflow.trace.tokenUsage', value: '{"input_tokens": 1}' };
    await traces.start(tester, newTrace('b', experimentId, { metadata: [said] }));
    const attributes: IncomingSpan['attributes'] = [['gen_ai.usage.input_tokens', exactInteger('9')]];
    await traces.logSpans(tester, experimentId, [incomingSpan('b', '1', { attributes })]);
    const { metadata } = await traces.info(tester, `tr-${'b'.repeat(32)}`);
    assert.deepEqual(
      metadata.filter(({ key }) => key === said.key),
      [said],
    );
  });
});
