import { z } from 'zod';
import { type CsvMarks, type CsvRecord, csvRecords } from './csv.ts';

/** What may stand between cells, by name. */
const delimiters = { comma: ',', semicolon: ';', tab: '\t', pipe: '|' } as const;
const delimiterSchema = z.enum(['comma', 'semicolon', 'tab', 'pipe']);
type Delimiter = z.infer<typeof delimiterSchema>;

/** How a CSV file is to be read; what is left out is found out by looking at it. */
export const csvOptionsSchema = z.strictObject({
  delimiter: delimiterSchema.optional(),
  /** What stands before the fraction of a number. */
  decimal: z.enum(['point', 'comma']).optional(),
  /** A name of the WHATWG Encoding Standard: utf-8, windows-1252, shift_jis, … */
  encoding: z
    .string()
    .refine(isEncoding, 'expected the name of an encoding, such as utf-8, windows-1252 or utf-16le')
    .optional(),
});
export type CsvOptions = z.infer<typeof csvOptionsSchema>;

/** How a CSV file is read. */
export const csvDialectSchema = z.strictObject({
  encoding: z.string(),
  delimiter: delimiterSchema,
  decimal: z.enum(['point', 'comma']),
  lineEnd: z.enum(['lf', 'cr']),
});
export type CsvDialect = z.infer<typeof csvDialectSchema>;

/** Bytes from the start of a file that its dialect is judged by. */
const headBytes = 65_536;
const comma = /^\s*[-+]?\d*,\d+(?:e[-+]?\d+)?\s*$/i;
const point = /^\s*[-+]?\d*\.\d+(?:e[-+]?\d+)?\s*$/i;
const commaGroups = /^\s*[-+]?\d{1,3}(?:,\d{3})+\s*$/;
const pointGroups = /^[-+]?\d{1,3}(?:\.\d{3})+$/;

/** The marks that a dialect has between cells and lines. */
export function csvMarks({ delimiter, lineEnd }: CsvDialect): CsvMarks {
  return { delimiter: delimiters[delimiter], lineEnd };
}

/**
 * Finds out how a CSV file is to be read, as spreadsheets, pandas and R write them: with commas, semicolons, tabs or
 * bars, decimal points or commas, as UTF-8, UTF-16 (with its byte order mark) or, where the bytes are no UTF-8,
 * Windows-1252. Returns the problem as text, with what to do, where it cannot be told.
 *
 * @param bytes the whole file: an encoding is only known from all of it
 */
export async function csvDialect(
  bytes: AsyncIterable<Uint8Array>,
  options: CsvOptions = {},
): Promise<CsvDialect | string> {
  const read = await readEncoding(bytes, options.encoding);
  if (typeof read === 'string') return read;
  const { encoding, head, whole } = read;
  const lineEnd = head.includes('\r') && !head.includes('\n') ? 'cr' : 'lf';
  const names = options.delimiter ? [options.delimiter] : delimiterSchema.options;
  const found: { delimiter: Delimiter; records: readonly CsvRecord[]; width: number; fitting: number }[] = [];
  for (const delimiter of names) {
    const records = await recordsOf(head, whole, { delimiter: delimiters[delimiter], lineEnd });
    const width = records[0]?.cells.length ?? 0;
    const fitting = records.filter(({ cells }) => cells.length === width).length / records.length;
    found.push({ delimiter, records, width, fitting });
  }
  const [best, next] = found.filter(({ width }) => width > 1).sort((a, b) => b.fitting - a.fitting);
  if (best && next && best.fitting === next.fitting)
    return `its cells may be separated by ${best.delimiter} or by ${next.delimiter}: say which (delimiter=${best.delimiter})`;
  const { delimiter, records } = best ?? found[0] ?? { delimiter: 'comma', records: [] };
  const decimal = options.decimal ?? decimalOf(delimiter, records.slice(1));
  return { encoding, delimiter, decimal, lineEnd };
}

/**
 * The number that a cell is, or null. With decimal commas `1.234` is none: it may be one thousand two hundred.
 * Points that cannot part thousands are decimal points in either case.
 */
export function csvNumber(text: string, decimal: CsvDialect['decimal']): number | null {
  if (decimal === 'comma' && pointGroups.test(text)) return null;
  const number = Number(decimal === 'comma' && comma.test(text) ? text.replace(',', '.') : text);
  return Number.isFinite(number) ? number : null;
}

/** What is wrong with a cell that is no number though it looks like one with other decimals, and what to do. */
export function csvNumberProblem(text: string, decimal: CsvDialect['decimal']): string | null {
  const looks = comma.test(text) || commaGroups.test(text) || pointGroups.test(text);
  if (!looks || csvNumber(text, decimal) !== null) return null;
  const other = decimal === 'comma' ? 'point' : 'comma';
  return `is ${JSON.stringify(text)}; numbers of this file have a decimal ${decimal}: write it so, without marks between thousands, or say decimal=${other} for the whole file`;
}

/** The text of a file, decoded. Bytes that the encoding does not have throw TypeError. */
export async function* csvText(
  bytes: AsyncIterable<Uint8Array>,
  encoding: string,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder(encoding, { fatal: true });
  for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

interface ReadHead {
  readonly encoding: string;
  /** Text of the first bytes, and whether it is all. */
  readonly head: string;
  readonly whole: boolean;
}

async function readEncoding(
  bytes: AsyncIterable<Uint8Array>,
  named: string | undefined,
): Promise<ReadHead | string> {
  const head = new Uint8Array(headBytes);
  const utf8 = new TextDecoder('utf-8', { fatal: true });
  let length = 0;
  let [isUtf8, is1252] = [true, true];
  for await (const chunk of bytes) {
    if (length < headBytes) head.set(chunk.subarray(0, headBytes - length), length);
    length += chunk.length;
    if (isUtf8) isUtf8 = decodes(() => utf8.decode(chunk, { stream: true }));
    is1252 &&= !holds(chunk, unused1252);
  }
  isUtf8 &&= decodes(() => utf8.decode());
  const other = otherFormats.find(({ mark }) => mark.every((byte, at) => head[at] === byte));
  if (other && named === undefined) return other.problem;
  const mark = head[0] === 0xff && head[1] === 0xfe ? 'utf-16le' : null;
  const marked = mark ?? (head[0] === 0xfe && head[1] === 0xff ? 'utf-16be' : null);
  const encoding = named ?? marked ?? (isUtf8 ? 'utf-8' : 'windows-1252');
  if (encoding === 'windows-1252' && named === undefined && !is1252)
    return 'it is neither UTF-8 nor Windows-1252: save it as UTF-8, or say what it is (encoding=…)';
  const text = new TextDecoder(encoding).decode(head.subarray(0, length), { stream: true });
  return { encoding, head: text, whole: length <= headBytes };
}

/** What is sent as CSV and is none, by its first bytes. */
const otherFormats: readonly { readonly mark: readonly number[]; readonly problem: string }[] = [
  { mark: [0x1f, 0x8b], problem: 'it is compressed (gzip): unpack it first' },
  { mark: [0x28, 0xb5, 0x2f, 0xfd], problem: 'it is compressed (zstd): unpack it first' },
  {
    mark: [0x50, 0x4b, 0x03, 0x04],
    problem: 'it is a ZIP file, as Excel workbooks (.xlsx) are: unpack it, or save the sheet as CSV',
  },
  { mark: [0xd0, 0xcf, 0x11, 0xe0], problem: 'it is an Excel workbook (.xls): save the sheet as CSV' },
  {
    mark: [0x41, 0x52, 0x52, 0x4f, 0x57, 0x31],
    problem: 'it is an Arrow or Feather file: save it as Parquet',
  },
  { mark: [0x50, 0x41, 0x52, 0x31], problem: 'it is a Parquet file, not CSV: send it as Parquet' },
];

const unused1252 = Uint8Array.from({ length: 256 }, (_, byte) =>
  [0x00, 0x81, 0x8d, 0x8f, 0x90, 0x9d].includes(byte) ? 1 : 0,
);

function holds(bytes: Uint8Array, wanted: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) if (wanted[bytes[at] as number] === 1) return true;
  return false;
}

function decodes(decode: () => unknown): boolean {
  try {
    decode();
    return true;
  } catch {
    return false;
  }
}

function isEncoding(name: string): boolean {
  return decodes(() => new TextDecoder(name));
}

/** The records of a head; without the last one where the text was cut. */
async function recordsOf(head: string, whole: boolean, marks: CsvMarks): Promise<readonly CsvRecord[]> {
  const records: CsvRecord[] = [];
  for await (const some of csvRecords([head], marks)) records.push(...some);
  return whole || records.length < 2 ? records : records.slice(0, -1);
}

function decimalOf(delimiter: Delimiter, records: readonly CsvRecord[]): CsvDialect['decimal'] {
  const cells = records.flatMap((record) => record.cells.filter((cell) => cell !== null));
  const commas = cells.filter((cell) => comma.test(cell));
  // Between semicolons a comma is no mark of another kind.
  if (delimiter === 'semicolon' && (commas.length > 0 || !cells.some((cell) => point.test(cell))))
    return 'comma';
  const grouped = commas.every((cell) => commaGroups.test(cell));
  return commas.length > 0 && !grouped && !cells.some((cell) => point.test(cell)) ? 'comma' : 'point';
}
