import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvRecords, readCsv } from './csv.ts';
import {
  type CsvOptions,
  csvDialect,
  csvMarks,
  csvNumber,
  csvNumberProblem,
  csvText,
} from './csv-dialect.ts';

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** The rows of a file, and how it was read. */
async function read(bytes: Uint8Array, options?: CsvOptions) {
  const dialect = await csvDialect(cut(bytes, 7), options);
  if (typeof dialect === 'string') return dialect;
  const rows = await Array.fromAsync(readCsv(csvText(cut(bytes, 5), dialect.encoding), csvMarks(dialect)));
  const { encoding, delimiter, decimal } = dialect;
  return { is: `${encoding} ${delimiter} ${decimal}`, rows: rows.map(({ cells }) => cells) };
}

test('files as spreadsheets, pandas and R write them are read as they are meant', async () => {
  const rows = [
    ['id', 'name', 'x'],
    ['1', 'Müller\nSøn', '0,5'],
    ['2', 'a;b "c"', '1'],
  ];
  const excel = 'id;name;x\r\n1;"Müller\nSøn";0,5\r\n2;"a;b ""c""";1\r\n';
  const latin = Buffer.from(excel, 'latin1');
  const utf16 = Buffer.concat([
    Buffer.from([0xff, 0xfe]),
    Buffer.from(excel.replaceAll(';', '\t'), 'utf16le'),
  ]);
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ['Excel, "CSV UTF-8", German', Buffer.from(`\uFEFF${excel}`), 'utf-8 semicolon comma'],
    ['Excel, "CSV", German', latin, 'windows-1252 semicolon comma'],
    ['named delimiter', Buffer.from(`sep=;\r\n${excel}`), 'utf-8 semicolon comma'],
    [
      'old Macintosh',
      Buffer.from('id;name;x\r1;"Müller\nSøn";0,5\r2;"a;b ""c""";1\r').filter((byte) => byte !== 10),
      'utf-8 semicolon comma',
    ],
    [
      'R, write.csv2',
      Buffer.from('"id";"name";"x"\n1;"Müller\nSøn";0,5\n2;"a;b ""c""";1\n'),
      'utf-8 semicolon comma',
    ],
  ];
  for (const [what, bytes, is] of cases) {
    const expected = what === 'old Macintosh' ? [rows[0], ['1', 'MüllerSøn', '0,5'], rows[2]] : rows;
    assert.deepEqual(await read(bytes), { is, rows: expected }, what);
  }
  const tabs = await read(utf16);
  assert.equal(typeof tabs === 'string' ? tabs : tabs.is, 'utf-16le tab comma');
  for (const [text, is] of [
    ['a,b\n1,2.5\n', 'utf-8 comma point'],
    ['a\n1\n', 'utf-8 comma point'],
    ['a\tb\n1\t1,234\n', 'utf-8 tab point'],
    ['a\tb\n1\t1,2345\n', 'utf-8 tab comma'],
    ['a;b\n1;2.5\n', 'utf-8 semicolon point'],
    ['a;b\n1;2\n', 'utf-8 semicolon comma'],
    ['a|b,c\n1|2,3\n2|x\n', 'utf-8 pipe comma'],
  ] as const) {
    const found = await read(Buffer.from(text));
    assert.equal(typeof found === 'string' ? found : found.is, is, text);
  }
});

test('what cannot be told is said, with what to do, and can be named', async () => {
  assert.match(String(await read(Buffer.from('a;b,c\n1;2,3\n'))), /comma or by semicolon: say which/);
  const named = await read(Buffer.from('a;b,c\n1;2,3\n'), { delimiter: 'semicolon' });
  assert.deepEqual(named, {
    is: 'utf-8 semicolon comma',
    rows: [
      ['a', 'b,c'],
      ['1', '2,3'],
    ],
  });
  const japanese = Buffer.from([0x61, 0x2c, 0x62, 0x0a, 0x93, 0xfa, 0x90, 0x7b, 0x2c, 0x31]);
  assert.match(String(await read(japanese)), /neither UTF-8 nor Windows-1252.*encoding=/);
  assert.deepEqual(await read(japanese, { encoding: 'shift_jis' }), {
    is: 'shift_jis comma point',
    rows: [
      ['a', 'b'],
      ['日須', '1'],
    ],
  });
});

test('what is sent as CSV and is something else is told what it is', async () => {
  const told = (bytes: number[]) => read(Uint8Array.from([...bytes, ...Array(40).fill(0x20)]));
  assert.match(String(await told([0x1f, 0x8b, 8])), /compressed \(gzip\): unpack it first/);
  assert.match(
    String(await told([0x50, 0x4b, 3, 4])),
    /Excel workbooks .*: unpack it, or save the sheet as CSV/,
  );
  assert.match(String(await told([...Buffer.from('PAR1')])), /it is a Parquet file, not CSV/);
  assert.notEqual(typeof (await read(Buffer.from('PK,b\n1,2\n'))), 'string');
});

test('a number is read as the file writes numbers, and never as another one', () => {
  for (const [text, decimal, number] of [
    ['1.5', 'point', 1.5],
    ['1,5', 'point', null],
    ['1,5', 'comma', 1.5],
    ['-,5e3', 'comma', -500],
    ['1.5', 'comma', 1.5],
    ['1.234', 'comma', null],
    ['1.234,5', 'comma', null],
    ['1.2345', 'comma', 1.2345],
    ['12', 'comma', 12],
  ] as const)
    assert.equal(csvNumber(text, decimal), number, `${text} ${decimal}`);
  assert.match(csvNumberProblem('1,5', 'point') ?? '', /"1,5"; .*decimal point: .*decimal=comma/);
  assert.equal(csvNumberProblem('late', 'point'), null);
});

test('CSV is the same however its text is cut', async () => {
  const text = 'a,"b ""x"" ,\r\ny",,""\r\n1,2\n\n"",3\n"open';
  const expected = [
    { line: 1, cells: ['a', 'b "x" ,\r\ny', null, ''] },
    { line: 3, cells: ['1', '2'] },
    { line: 5, cells: ['', '3'] },
    { line: 6, cells: ['open'], unclosed: true },
  ];
  for (let size = 1; size <= text.length; size++) {
    const chunks = Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
      text.slice(i * size, (i + 1) * size),
    );
    const records = (await Array.fromAsync(csvRecords(chunks))).flat();
    assert.deepEqual(records, expected, `cut every ${size}`);
  }
});
