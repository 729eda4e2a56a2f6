import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '../../core/errors.ts';
import { pageToken, parseFilter, parseOrder, readPageToken, type Vocabulary } from './index.ts';

const vocabulary: Vocabulary = {
  entities: { metrics: 'metric', params: 'parameter', tags: 'tag', attributes: 'attribute' },
  entityList: 'Known: metrics, params, tags, attributes',
  attributes: { name: 'string', start: 'number' },
  aliases: { 'the name': 'name' },
  listAttributes: ['name'],
  datasetKeys: [],
  nullable: ['tag'],
};

const parsed = (text: string) =>
  parseFilter(text, vocabulary).map((c) => [c.entity, c.key, c.comparator, c.value]);

test('a filter is comparisons joined by AND', () => {
  assert.deepEqual(parsed(''), []);
  assert.deepEqual(parsed("metrics.auc >= .5 and params.a.b = 'it''s'  AND start<1e3"), [
    ['metric', 'auc', '>=', 0.5],
    ['parameter', 'a.b', '=', "it''s"],
    ['attribute', 'start', '<', 1000],
  ]);
  assert.deepEqual(parsed('tags.`my key` ilike "x" AND tags."other key" != \'\' AND tags.t IS NOT  NULL'), [
    ['tag', 'my key', 'ILIKE', 'x'],
    ['tag', 'other key', '!=', ''],
    ['tag', 't', 'IS NOT NULL', null],
  ]);
  assert.deepEqual(parsed("`the name` NOT IN ('a', \"b,)\") AND attributes.name='INSTANCE OF'"), [
    ['attribute', 'name', 'NOT IN', ['a', 'b,)']],
    ['attribute', 'name', '=', 'INSTANCE OF'],
  ]);
  assert.deepEqual(parsed('metrics.in > -1 AND metrics.`and` = 2'), [
    ['metric', 'in', '>', -1],
    ['metric', 'and', '=', 2],
  ]);
});

const refusals: Readonly<Record<string, RegExp>> = {
  'metrics.auc': /Invalid clause\(s\) in filter string: 'metrics\.auc'/,
  'metrics.a > 1 OR metrics.b > 2': /Invalid clause\(s\) in filter string: 'OR'$/,
  '(metrics.a > 1)': /'\(metrics\.a > 1\)'/,
  'metrics.a > 1 metrics.b > 2': /'metrics\.b'/,
  'metrics.a > 1; metrics.b > 2': /contained multiple expression/,
  '1 = 1': /Expected 'Identifier' found '1'/,
  "metrics.a = 'x'": /Expected numeric value type for metric\. Found 'x'/,
  "start = 'x'": /numeric attribute: start\. Found 'x'/,
  'params.a = 1': /Expected a quoted string value for parameter/,
  'params.a = bare': /unidentified quote types used for string value bare/,
  "params.a > 'x'": /Invalid comparator '>'/,
  "params.a IN ('x')": /Expected a quoted string value for parameter/,
  "name = ('x')": /Invalid comparator '='/,
  'name IN ()': /got empty list/,
  'name IN (1)': /different type in list/,
  'name IN (bare)': /ill-formed list/,
  'metrics.a IS NULL': /only supported for tags, not for 'metric' 'a'/,
  "other.a = 'x'": /Invalid entity type 'other'\. Known: metrics/,
  "attributes.other = 'x'":
    /Invalid attribute key 'other' specified\. Valid keys are '\{'name', 'start', 'the name'\}'/,
};

for (const [text, message] of Object.entries(refusals)) {
  test(`refused: ${text}`, () => {
    assert.throws(
      () => parsed(text),
      (error) =>
        error instanceof MillraceError && error.code === 'filter_invalid' && message.test(error.message),
    );
  });
}

test('an order names keys with a direction, each once', () => {
  assert.deepEqual(
    parseOrder(['metrics.`my loss` DESC', 'the name', '  start asc '].slice(0, 1), vocabulary),
    [{ entity: 'metric', key: 'my loss', descending: true }],
  );
  assert.deepEqual(parseOrder(['`the name`', 'start asc'], vocabulary), [
    { entity: 'attribute', key: 'name', descending: false },
    { entity: 'attribute', key: 'start', descending: false },
  ]);
  for (const bad of [['start up'], ['start asc desc'], [''], ['start', 'attributes.start'], ['other']]) {
    assert.throws(() => parseOrder(bad, vocabulary), MillraceError, bad.join());
  }
});

test('a page token gives its values back, and nothing else is one', () => {
  const values = ['a"b', 0.1, -5e-324];
  assert.deepEqual(readPageToken(pageToken(values), 3), values);
  for (const bad of ['', '!!', pageToken([1]), Buffer.from('{"offset": 3}').toString('base64')]) {
    assert.throws(() => readPageToken(bad, 3), MillraceError, bad);
  }
});
