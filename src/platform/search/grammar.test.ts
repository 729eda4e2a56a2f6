import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Expression } from './expression.ts';
import { parseFields } from './fields.ts';
import { parseFilter, parseOrder } from './grammar.ts';
import { refusal, testVocabulary } from './testing.ts';

const nowMs = Date.parse('2026-03-01T00:00:00Z');
const parsed = (text: string) => parseFilter(text, testVocabulary, { grammar: 'millrace', nowMs });

/** A filter in one line, to compare. */
function shown(part: Expression | null): string {
  if (part === null) return '';
  if (part.kind === 'not') return `not(${shown(part.part)})`;
  if (part.kind !== 'condition') return `${part.kind}(${part.parts.map(shown).join(', ')})`;
  const { entity, key, stat, wholeKey, comparator, value } = part;
  const name = `${entity}:${key}${stat ? `#${stat}` : ''}${wholeKey ? `|${wholeKey}` : ''}`;
  return `${name} ${comparator} ${JSON.stringify(value)}`;
}

const filters: Readonly<Record<string, string>> = {
  '': '',
  '  ': '',
  'metrics.loss > .5': 'metric:loss > 0.5',
  'metrics.a > 1 and metrics.b < 2 or not metrics.c = 3':
    'or(and(metric:a > 1, metric:b < 2), not(metric:c = 3))',
  'metrics.a > 1 AND (metrics.b < 2 OR metrics.c == 3)': 'and(metric:a > 1, or(metric:b < 2, metric:c = 3))',
  "NOT (name = 'a' OR name <> 'b')": 'not(or(attribute:name = "a", attribute:name != "b"))',
  'metrics.loss.min < 1': 'metric:loss#min|loss.min < 1',
  'metrics.a.b.best < 1': 'metric:a.b#best|a.b.best < 1',
  'metrics.`loss.min` < 1': 'metric:loss.min < 1',
  'metrics.`val loss`.max < 1': 'metric:val loss#max < 1',
  'metrics."x".count >= 10': 'metric:x#count >= 10',
  'metrics.min > 1': 'metric:min > 1',
  'metrics.val/loss-1 > -1e-3': 'metric:val/loss-1 > -0.001',
  "params.model IN ('a', 'b',)": 'parameter:model IN ["a","b"]',
  'params.lr NOT IN (0.1, 1)': 'parameter:lr NOT IN [0.1,1]',
  'params.lr < 0.01': 'parameter:lr < 0.01',
  "params.lr < '0.01'": 'parameter:lr < "0.01"',
  'tags.ok = true AND tags.ok != FALSE': 'and(tag:ok = true, tag:ok != false)',
  "tags.`a b` = 'it''s'": 'tag:a b = "it\'s"',
  'tags.x = "double"': 'tag:x = "double"',
  "tags.x is not  null and tags.y IS NULL and name NOT LIKE 'a%'":
    'and(tag:x IS NOT NULL null, tag:y IS NULL null, attribute:name NOT LIKE "a%")',
  "title rlike '^a+$' and name not matches 'b'":
    'and(attribute:name MATCHES "^a+$", attribute:name NOT MATCHES "b")',
  "`the name` ILIKE 'x' and attributes.name = 'y'": 'and(attribute:name ILIKE "x", attribute:name = "y")',
  'started > now() - 7d': `attribute:started > ${nowMs - 7 * 86_400_000}`,
  'started <= now()+1h AND started > 5': `and(attribute:started <= ${nowMs + 3_600_000}, attribute:started > 5)`,
  "started >= '2026-02-28' AND started < '2026-03-01T00:00:01Z'": `and(attribute:started >= ${nowMs - 86_400_000}, attribute:started < ${nowMs + 1000})`,
  "age < '7d'": `attribute:started > ${nowMs - 7 * 86_400_000}`,
  'age >= 90': `attribute:started <= ${nowMs - 90_000}`,
  'duration > 2h AND duration <= 90': 'and(attribute:duration > 7200000, attribute:duration <= 90000)',
  "duration < '1h30m' AND duration IS NULL":
    'and(attribute:duration < 5400000, attribute:duration IS NULL null)',
  "dataset.name = 'd'": 'dataset:name = "d"',
};

for (const [text, expected] of Object.entries(filters)) {
  test(`read: ${text}`, () => assert.equal(shown(parsed(text)), expected));
}

/** What is refused: the place that is pointed at in brackets, and what is said. */
const refusals: readonly (readonly [marked: string, message: RegExp])[] = [
  ['metrics.loss[]', /It ends at character 13; expected =, !=/],
  ['metrics.loss > []', /expected a number/],
  ["metrics.loss > ['x']", /Not a number/],
  ['metrics.loss [LIKE] 1', /LIKE does not fit here/],
  ['metrics.a > 1 [metrics].b', /Unexpected metrics\.b|Unexpected metric/],
  ['metrics.a > 1 AND []', /expected a field/],
  ['(metrics.a > 1[]', /expected AND, OR, \)/],
  ['metrics.a > 1[)]', /Unexpected \)/],
  ["[nane] = 'x'", /Unknown field "nane".*expected name/],
  ['[metrisc].a = 1', /Unknown kind of field "metrisc".*expected metric/],
  ["name = ['x]", /not closed/],
  ['tags.[`x] = 1', /not closed/],
  ['metrics.`a`.[median] > 1', /no statistic/],
  ["params.[`a`].b = 'x'", /in quotes/],
  ['metrics.a > [1x]', /1x is not a number/],
  ['started > [7d]', /Not a time|expected/],
  ['started > now() - [7]', /expected a duration/],
  ["age < ['soon']", /Not a duration/],
  ["name IN ('a', [1])", /Not a text|different kinds/],
  ["name IN [']a')", /expected \(|not closed/],
  ['tags.a > [true]', /Not a text/],
  ['tags.a = true AND metrics.b = [true]', /Not a number/],
  ["dataset.[size] = 'x'", /Unknown field of datasets/],
  ["name MATCHES 'a[(]b'", /A \( without its \)/],
  ["name MATCHES '[(?=]a)'", /not supported/],
  ['metrics.a > 1 [;] metrics.b > 2', /Unexpected character ;/],
  ['metrics. [> ]1', /ends with a dot/],
];

for (const [marked, message] of refusals) {
  test(`refused: ${marked}`, () => {
    const text = marked.replace(/[[\]]/g, '');
    const { message: said, place } = refusal(() => parsed(text));
    assert.match(said, message);
    assert.equal(place?.position, marked.indexOf('['));
    const [line = '', caret = ''] = place?.excerpt.split('\n') ?? [];
    assert.equal(line, text);
    assert.equal(caret.indexOf('^'), place?.position);
  });
}

test('a long filter is shown around the place', () => {
  const { place } = refusal(() => parsed(`${"tags.a = 'x' AND ".repeat(20)}oops = 1`));
  const [line = '', caret = ''] = place?.excerpt.split('\n') ?? [];
  assert.ok(line.length < 100 && line.startsWith('…'));
  assert.equal(line.slice(caret.indexOf('^')).startsWith('oops'), true);
});

test('what would make too large a statement is refused', () => {
  assert.match(refusal(() => parsed(`${'('.repeat(60)}name = 'a'${')'.repeat(60)}`)).message, /Too deep/);
  assert.match(refusal(() => parsed(Array(300).fill('metrics.a > 1').join(' OR '))).message, /More than 200/);
});

test('an order is operands with directions', () => {
  const order = (text: string) => parseOrder([text], testVocabulary, 'millrace');
  assert.deepEqual(order('metrics.loss.min, params.`a,b` DESC,started asc , title'), [
    { entity: 'metric', key: 'loss', stat: 'min', wholeKey: 'loss.min', descending: false },
    { entity: 'parameter', key: 'a,b', descending: true },
    { entity: 'attribute', key: 'started', descending: false },
    { entity: 'attribute', key: 'name', descending: false },
  ]);
  assert.match(refusal(() => order('started, started DESC')).message, /has already/);
  assert.match(refusal(() => order('started up')).message, /Unexpected up/);
  assert.match(refusal(() => order('dataset.name')).message, /no order/);
  assert.deepEqual(order(' '), []);
});

test('a field mask names keys, or all of a kind', () => {
  const mask = parseFields('metrics.loss, params.`a b`, tags, name, metrics.acc.max, metrics.`x.y`.min');
  assert.deepEqual(mask, {
    metrics: new Set(['loss', 'acc.max', 'acc', 'x.y']),
    params: new Set(['a b']),
    tags: 'all',
  });
  assert.deepEqual(parseFields(undefined), { metrics: 'all', params: 'all', tags: 'all' });
  assert.match(refusal(() => parseFields('metrics.loss params.a')).message, /separated by commas/);
});
