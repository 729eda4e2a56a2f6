import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelQueryInputSchema } from '../../../../../src/lifecycle/feedback/contract.ts';
import { ProblemError } from '../../../api/problem.ts';
import { draftOf, nameProblem, problemsByField, queryOf } from './query-draft.ts';

const known = {
  name: 'landed',
  endpoint: 'flights',
  url: 'sqlite:/srv/truth.db',
  sql: 'SELECT * FROM t WHERE n >= :watermark',
  watermarkColumn: 'n',
  watermark: 17,
  cron: null,
  nextAt: null,
  lastRun: null,
};

test('a query that is changed goes on as it was; a password that is not shown is asked for again', () => {
  const { name: _name, nextAt: _next, lastRun: _run, watermark, ...same } = known;
  const input = queryOf(draftOf(known), 'flights');
  assert.deepEqual(input, { ...same, initialWatermark: watermark });
  labelQueryInputSchema.parse(input);
  assert.equal(draftOf({ ...known, url: 'postgres://u:***@db/x' }).url, '');
});

test('a watermark of digits is a number, any other a text; without :watermark in the SQL there is none', () => {
  const watermarkOf = (initialWatermark: string, sql = known.sql) =>
    queryOf({ ...draftOf(known), initialWatermark, sql }, 'flights').initialWatermark;
  assert.equal(watermarkOf(' -2.5 '), -2.5);
  assert.equal(watermarkOf('2026-01-01'), '2026-01-01');
  assert.equal(watermarkOf('12345678901234567'), '12345678901234567');
  assert.equal(watermarkOf('17', 'SELECT 1'), null);
});

test('what is wrong is told at its field: a name that is taken, and what the server refused', () => {
  assert.equal(nameProblem('other', [known]), undefined);
  assert.match(nameProblem('landed', [known]) ?? '', /for flights/);
  assert.match(nameProblem('a b', []) ?? '', /Letters/);
  const refused = (detail: string, issues: readonly { field: string; problem: string }[]) =>
    problemsByField(
      new ProblemError({
        status: 400,
        code: 'invalid_input',
        title: '',
        detail,
        next: null,
        issues,
        place: null,
      }),
    );
  assert.deepEqual(refused('', [{ field: 'body.url', problem: 'expected postgres://…' }]), {
    url: 'expected postgres://…',
  });
  assert.deepEqual(refused('cron: "every day" is none: of five fields', []), {
    cron: '"every day" is none: of five fields',
  });
  assert.deepEqual(refused('something else', []), {});
});
