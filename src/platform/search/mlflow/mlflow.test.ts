import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conditionsOf } from '../expression.ts';
import { parseFilter, parseOrder } from '../grammar.ts';
import { refusal, testVocabulary } from '../testing.ts';

// What MLflow's own server does with these was looked at; test/contract/mlflow-search-fuzz.py looks at many more.
const parsed = (text: string) =>
  conditionsOf(parseFilter(text, testVocabulary, { grammar: 'mlflow', nowMs: 0 })).map((c) => [
    c.entity,
    c.key,
    c.comparator,
    c.value,
  ]);

test('a filter is comparisons joined by AND', () => {
  assert.deepEqual(parsed(''), []);
  assert.deepEqual(parsed("metrics.auc >= .5 and params.a.b = 'it''s'  AND started<1e3"), [
    ['metric', 'auc', '>=', 0.5],
    ['parameter', 'a.b', '=', "it''s"],
    ['attribute', 'started', '<', 1000],
  ]);
  assert.deepEqual(parsed('tags.`my key` ilike "x" AND tags."other key" != \'\' AND tags.t IS NOT NULL'), [
    ['tag', 'my key', 'ILIKE', 'x'],
    ['tag', 'other key', '!=', ''],
    ['tag', 't', 'IS NOT NULL', null],
  ]);
  assert.deepEqual(parsed("name NOT IN ('a', \"b,)\") AND attributes.name='INSTANCE OF'").at(-1), [
    'attribute',
    'name',
    '=',
    'INSTANCE OF',
  ]);
});

test('what its SQL parser does with a filter is done here too', () => {
  assert.deepEqual(parsed('AND metrics.a > 1 metrics.b > 2 AND AND').length, 2, 'AND is a blank');
  assert.deepEqual(parsed("tags. x = 'a'"), [['tag', ' x', '=', 'a']], 'a blank belongs to the key');
  assert.deepEqual(parsed("name IN ('a' 'b', 'c',)"), [['attribute', 'name', 'IN', ['ab', 'c']]]);
  assert.deepEqual(parsed("tags.[x y] = 'a'"), [['tag', '[x y]', '=', 'a']]);
  assert.deepEqual(parsed("params.a = 'x' tags.b IS NULL"), [
    ['parameter', "a = 'x' tags.b", 'IS NULL', null],
  ]);
});

const refusals: Readonly<Record<string, RegExp>> = {
  ' ': /^Invalid filter ' '\. Could not be parsed\.$/,
  'metrics.auc': /Invalid clause\(s\) in filter string: 'metrics\.auc'/,
  'metrics.in > 1': /'metrics\.', 'in'/,
  'metrics.a > 1 OR metrics.b > 2': /Invalid clause\(s\) in filter string: 'OR'$/,
  '(metrics.a > 1)': /'\(metrics\.a > 1\)'/,
  'metrics.a > 1; metrics.b > 2': /contained multiple expression/,
  'metrics.a-b > 1': /Expected 'Identifier' found 'metrics\.a-b'/,
  '1 = 1': /Expected 'Identifier' found '1'/,
  "metrics.a = 'x'": /Expected numeric value type for metric\. Found 'x'/,
  'metrics.a = 0x1F': /Invalid clause|Expected numeric/,
  "started = 'x'": /numeric attribute: started\. Found 'x'/,
  'params.a = 1': /Expected a quoted string value for parameter/,
  'params.a = bare': /unidentified quote types used for string value bare/,
  "params.a > 'x'": /Invalid comparator '>'/,
  "params.a IN ('x')": /Expected a quoted string value for parameter/,
  "name = ('x')": /Invalid comparator '='/,
  'name IN ()': /got empty list/,
  'name IN (1)': /different type in list: \(1,\)/,
  'name IN (bare)': /ill-formed list/,
  "tags.a IS NOT  NULL AND tags.a = 'x'": /Invalid clause/,
  'metrics.a IS NULL': /only supported for tags and params, not for 'metric' 'a'/,
  "other.a = 'x'": /Invalid entity type 'other'\. Known: metrics/,
  "attributes.other = 'x'":
    /Invalid attribute key 'other' specified\. Valid keys are '\{'name', 'started', 'the name'\}'/,
  "metrics.a > 1 -- tags.b = 'x'": /Invalid clause/,
  "tags.a RLIKE 'x'": /Invalid comparator 'RLIKE'/,
};

for (const [text, message] of Object.entries(refusals)) {
  test(`refused: ${text}`, () => assert.match(refusal(() => parsed(text)).message, message));
}

test('an order names keys with a direction, each once', () => {
  const order = (...clauses: readonly string[]) => parseOrder(clauses, testVocabulary, 'mlflow');
  assert.deepEqual(order('metrics.`my loss` DESC'), [{ entity: 'metric', key: 'my loss', descending: true }]);
  assert.deepEqual(order('name', 'attributes.started asc'), [
    { entity: 'attribute', key: 'name', descending: false },
    { entity: 'attribute', key: 'started', descending: false },
  ]);
  const bad = [
    ['started up'],
    ['started asc desc'],
    [''],
    [' started'],
    ['started', 'attributes.started'],
    ['other'],
  ];
  for (const clauses of bad) assert.ok(refusal(() => order(...clauses)).message, clauses.join());
});
