import assert from 'node:assert/strict';
import { test } from 'node:test';
import { columnsText, fieldsOf, orderKey, parseColumn, parseColumns, suggestedColumns } from './columns.ts';

test('columns are read as they are written, and what is none is dropped', () => {
  const text = 'last(val/loss),best(auc),params.lr,tags.team,started';
  assert.equal(columnsText(parseColumns(`${text},nonsense,median(x),params.`)), text);
  assert.equal(parseColumns('started,started').length, 1);
  assert.deepEqual(parseColumn('min(last(x))'), { kind: 'metric', key: 'last(x)', part: 'min' });
});

test('the server is asked for what is shown only, and keys that are no plain word are quoted', () => {
  const columns = parseColumns('best(val loss),last(val loss),params.lr,took');
  assert.equal(fieldsOf(columns), 'name,metrics.`val loss`,params.lr');
  assert.equal(
    fieldsOf(columns, ['tags.`mlflow.parentRunId`']).split(',').at(-1),
    'tags.`mlflow.parentRunId`',
  );
});

test('a metric is ordered by the part that its column shows', () => {
  assert.deepEqual(parseColumns('last(auc),max(val auc),params.lr,took,experiment').map(orderKey), [
    'metrics.auc',
    'metrics.`val auc`.max',
    'params.lr',
    'duration',
    null,
  ]);
});

test('suggested are metrics of quality that most runs have, then params', () => {
  const key = (kind: string, name: string, latestRuns: number) => ({ kind, key: name, latestRuns });
  const columns = suggestedColumns(
    [key('metric', 'aaa', 9), key('metric', 'val_auc', 3), key('metric', 'zzz', 8), key('param', 'lr', 9)],
    { metrics: 2, params: 4 },
  );
  assert.equal(columnsText(columns), 'last(val_auc),last(aaa),params.lr,took,started');
});
