import assert from 'node:assert/strict';
import { test } from 'node:test';
import { previewKind } from './files.ts';
import { loggedTable, parseSeparated, separatorOf } from './table-text.ts';

test('fields with separators, line ends and quotes', () => {
  assert.deepEqual(parseSeparated('a,b\r\n1,"x, ""y""\nz"\r\n,\n', ',', false), {
    columns: ['a', 'b'],
    rows: [
      ['1', 'x, "y"\nz'],
      ['', ''],
    ],
  });
});

test('a line that was cut is dropped, a last line without an end is not', () => {
  assert.equal(parseSeparated('a\n1\n2', ',', true).rows.length, 1);
  assert.equal(parseSeparated('a\n1\n2', ',', false).rows.length, 2);
});

test('separators are found', () => {
  assert.deepEqual(
    [separatorOf('a;b;c\n1,5;2', false), separatorOf('a,b\n', false), separatorOf('a', true)],
    [';', ',', '\t'],
  );
});

test('a logged table is known by its shape', () => {
  assert.deepEqual(
    loggedTable({
      columns: ['q', 'n'],
      data: [
        ['x', null],
        [{ a: 1 }, 2],
      ],
    }),
    {
      columns: ['q', 'n'],
      rows: [
        ['x', ''],
        ['{"a":1}', '2'],
      ],
    },
  );
  for (const other of [null, [], { columns: [], data: 3 }, { columns: ['a'], data: [1] }])
    assert.equal(loggedTable(other), null);
});

test('how a file is shown follows from its name', () => {
  const kinds = [
    'a/b.PNG',
    'MLmodel',
    'x.tar.gz',
    'weights.bin',
    'noext',
    'a.md',
    'r.html',
    't.tsv',
    's.wav',
  ];
  assert.deepEqual(kinds.map(previewKind), [
    'image',
    'text',
    'download',
    'unknown',
    'unknown',
    'markdown',
    'html',
    'table',
    'audio',
  ]);
});
