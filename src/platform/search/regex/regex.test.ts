import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { forEachDatabase } from '../../db/testing.ts';
import { comparisonSql } from '../compare.ts';
import { checkPattern } from './index.ts';

const patterns = [
  'abc',
  '^abc$',
  'a.c',
  'a|b|',
  '(a|b)+c',
  '[a-c]{2,3}x',
  '[^a-c]+$',
  '\\d+\\.\\d',
  '^$',
  '(?i)HeLLo',
  'a*?b',
  '()',
  '(|a)b',
  '\\w+@\\w+',
  'x{0}',
  '^(ab)*$',
  '[\\]a]',
  '[a-]',
  '[\\d_]',
  '\\S',
  '$^',
  'é+',
  '😀',
  '(a*)*b',
  '-/',
  'a{2}',
  '(a|ab)(c|bcd)(d*)$',
  '^.{3}$',
  '\\n',
  '[^\\w\\s]',
  '[aA]_1%',
];
const texts = ['', 'abc', 'ABC', 'a\nc', 'ab', 'aab', 'bbabc', '12.5', 'hello', 'user@host', 'abab'];
const more = [
  ']',
  '-',
  '_',
  'éé',
  'x😀y',
  'aaaa',
  'xyz',
  '-/',
  'abcd',
  'a b',
  'É',
  'ß',
  '\\',
  "it's",
  'A_1%',
  'ab1c',
];

forEachDatabase((name, open) => {
  test(`${name}: patterns match what JavaScript's do`, async (t) => {
    const db = await open(t, []);
    for (const pattern of patterns) {
      assert.equal(checkPattern(pattern), null, pattern);
      const expected = new RegExp(pattern.replace('(?i)', ''), pattern.startsWith('(?i)') ? 'isu' : 'su');
      const tests = [...texts, ...more].map((text, i) => {
        const matches = comparisonSql(db.dialect, sql`CAST(${text} AS TEXT)`, {
          comparator: 'MATCHES',
          value: pattern,
        });
        return sql`CASE WHEN ${matches} THEN 1 ELSE 0 END AS ${sql.ref(`t${i}`)}`;
      });
      const { rows } = await sql<Record<string, number>>`SELECT ${sql.join(tests)}`.execute(db.read);
      assert.deepEqual(
        [...texts, ...more].filter((_, i) => rows[0]?.[`t${i}`] === 1),
        [...texts, ...more].filter((text) => expected.test(text)),
        pattern,
      );
    }
  });
});

test('what is outside of the subset is refused, with its place', () => {
  const refused = [
    '(?=a)',
    'a**',
    '*a',
    '(a',
    'a)',
    '[a',
    '\\1',
    '\\b',
    'a{300}',
    '[[:alpha:]]',
    'a{2,1}',
    '\\',
  ];
  for (const pattern of [...refused, '(a{200}){200}', '^*', '(?<x>a)', '\\pL']) {
    const problem = checkPattern(pattern);
    assert.ok(problem, pattern);
    assert.ok(problem.position <= pattern.length, pattern);
  }
});

test('no pattern takes longer than its text is long', async () => {
  const { matcherOf, parsePattern } = await import('./index.ts');
  // Each would take a backtracking matcher longer than the universe is old.
  const long = 'a'.repeat(100_000);
  for (const pattern of ['(a*)*b', '(a|aa)+$', '(.*)(.*)(.*)(.*)x', '(a|a)*c', '^(a+)+$']) {
    assert.equal(matcherOf(parsePattern(pattern))(`${long}!`), false, pattern);
  }
});
