import type { CsvDialect } from '../../../core/csv-dialect.ts';
import { fail } from '../../../core/errors.ts';
import type { PackageManifest, SignatureField } from '../../../core/model-package.ts';
import type { FrameChunk } from '../../../platform/frames/direct-frames.ts';
import { sqlName } from '../../../platform/frames/index.ts';
import { logTypeOf } from '../log-types.ts';
import { expectation } from '../plane/row-check.ts';
import type { BatchSource } from './batch-source.ts';

/** How the cells of one input of the model are selected, and how they are read from a chunk. */
export interface InputColumn {
  readonly field: SignatureField;
  /** The type of its column in the prediction log. */
  readonly logType: string;
  /** SQL expressions; none for an input that the file does not have. */
  readonly sql: readonly string[];
  /** `doubles`: the first is DOUBLE with NaN for missing; a second one holds the texts that are no numbers, or longer ones than it holds. */
  readonly kind: 'doubles' | 'values' | 'absent';
}

const integers = /^(?:TINYINT|SMALLINT|INTEGER|UTINYINT|USMALLINT|UINTEGER)$/;
const wideIntegers = /^(?:BIGINT|UBIGINT|HUGEINT|UHUGEINT)$/;
/** As decimals without digits behind the point, which hold more than those. */
const wideDecimals = /^DECIMAL\(\d+,0\)$/;
const reals = /^(?:FLOAT|DOUBLE|DECIMAL)/;
const asNumber = (name: string) => `coalesce(CAST(${name} AS DOUBLE), 'NaN'::DOUBLE)`;

/** SQL for what `csvNumber` reads: no digits in groups of 1_000, which DuckDB takes. */
function numberSql(name: string, decimal: CsvDialect['decimal']): string {
  if (decimal === 'point') return `CASE WHEN NOT contains(${name}, '_') THEN TRY_CAST(${name} AS DOUBLE) END`;
  return `CASE WHEN regexp_full_match(${name}, '[-+]?\\d{1,3}(\\.\\d{3})+') THEN NULL
    WHEN regexp_full_match(${name}, '\\s*[-+]?\\d*,\\d+([eE][-+]?\\d+)?\\s*') THEN TRY_CAST(replace(${name}, ',', '.') AS DOUBLE)
    WHEN NOT contains(${name}, '_') THEN TRY_CAST(${name} AS DOUBLE) END`;
}

/**
 * Binds the model's inputs to the columns of the file by name. Numbers of any width are one kind, a CSV cell is read as
 * the type that the model wants; anything else is passed on as it is and refused row by row, as it would be in a
 * request. Throws `batch_column_missing` for a required input that the file does not have.
 */
export function inputColumns(
  manifest: Pick<PackageManifest, 'signature' | 'graph'>,
  source: BatchSource,
  file: string,
): readonly InputColumn[] {
  return manifest.signature.inputs.map((field): InputColumn => {
    const logType = logTypeOf(field, manifest);
    const type = source.columns.get(field.name);
    if (type === undefined) {
      if (!field.required) return { field, logType, sql: [], kind: 'absent' };
      const known = [...source.columns.keys()].map((name) => `"${name}"`).join(', ');
      throw fail('batch_column_missing', {
        name: file,
        column: field.name,
        expected: expectation(field),
        known,
      });
    }
    return { field, logType, ...selection(field, sqlName(field.name), type, source.decimal) };
  });
}

function selection(
  field: SignatureField,
  name: string,
  type: string,
  decimal: BatchSource['decimal'],
): Pick<InputColumn, 'sql' | 'kind'> {
  const values = (sql: string) => ({ sql: [sql], kind: 'values' as const });
  if (field.shape.length > 0) return values(name);
  if (field.json) return values(nestedSql(name, type));
  switch (field.type) {
    case 'double':
    case 'float':
    case 'long':
    case 'integer':
      if (decimal !== null) {
        const number = numberSql(name, decimal);
        // R writes NA, without quotes, for a number that is missing.
        const isNone = `${number} IS NULL AND ${name} <> 'NA'`;
        // Such numbers are read again, digit by digit.
        const isLong = field.type === 'long' ? ` OR abs(${number}) >= ${2 ** 53}` : '';
        const bad = `CASE WHEN ${isNone}${isLong} THEN ${name} END`;
        return { sql: [`coalesce(${number}, 'NaN'::DOUBLE)`, bad], kind: 'doubles' };
      }
      if (field.type === 'long' && wideDecimals.test(type)) return values(`CAST(${name} AS HUGEINT)`);
      if (integers.test(type) || reals.test(type)) return { sql: [asNumber(name)], kind: 'doubles' };
      if (wideIntegers.test(type)) {
        return field.type === 'long' ? values(name) : { sql: [asNumber(name)], kind: 'doubles' };
      }
      return values(name);
    case 'boolean':
      return values(decimal !== null ? `coalesce(TRY_CAST(${name} AS BOOLEAN)::VARCHAR, ${name})` : name);
    case 'datetime':
      return values(
        /^(?:TIMESTAMP|DATE)/.test(type)
          ? type === 'TIMESTAMP_NS'
            ? // Its strftime writes nanoseconds wrongly.
              `replace(CAST(${name} AS VARCHAR), ' ', 'T') || 'Z'`
            : `strftime(CAST(${name} AS TIMESTAMP), '%Y-%m-%dT%H:%M:%S.%fZ')`
          : name,
      );
    case 'binary':
      return values(type === 'BLOB' ? `base64(${name})` : name);
    case 'string':
      if (/^ENUM/.test(type)) return values(`CAST(${name} AS VARCHAR)`);
      // Some writers of Parquet (Impala, older Spark) do not say that bytes are text.
      return values(type === 'BLOB' ? `try(decode(${name}))` : name);
  }
}

/**
 * SQL for a nested value as the text of its JSON, which a text may be already; NaN and infinities, which JSON has not,
 * are null. Bytes within are left as they are, to be refused row by row: nothing says how they stand in JSON.
 */
function nestedSql(name: string, type: string): string {
  if (type.includes('BLOB')) return name;
  const json = `CAST(to_json(${name}) AS VARCHAR)`;
  if (type === 'VARCHAR')
    return `CASE WHEN regexp_matches(${name}, '^\\s*[\\[{]') THEN ${name} ELSE ${json} END`;
  if (!/DOUBLE|FLOAT/.test(type)) return json;
  const parts = `regexp_extract_all(${json}, '"(?:[^"\\\\]|\\\\.)*"|[^"]+')`;
  const withNull = `CASE WHEN starts_with(x, '"') THEN x ELSE regexp_replace(x, '-?(?:NaN|Infinity)', 'null', 'g') END`;
  return `array_to_string(list_transform(${parts}, lambda x: ${withNull}), '')`;
}

/** The cells of a column in one chunk; NaN and null are missing values. */
export type Cells = Float64Array | readonly unknown[];

/**
 * Reads the inputs of a chunk.
 *
 * @param first position of the first input's first expression in the chunk
 * @param buffers one array per input that may be used again
 */
export function readInputs(
  chunk: FrameChunk,
  columns: readonly InputColumn[],
  first: number,
  buffers: readonly Float64Array[],
): readonly Cells[] {
  let at = first;
  return columns.map((column, i): Cells => {
    const position = at;
    at += column.sql.length;
    if (column.kind === 'absent') return [];
    if (column.kind === 'values') return booleans(column, chunk.values(position));
    const numbers = chunk.doubles(position, buffers[i] as Float64Array);
    if (column.sql.length === 1) return numbers;
    const bad = chunk.values(position + 1);
    if (bad.every((text) => text === null)) return numbers;
    return bad.map((text, row) => (text === null ? numbers[row] : longOf(String(text), numbers[row])));
  });
}

/** A whole number beyond those that are exact, with all its digits; a text that is no number, as it is. */
function longOf(text: string, number: number | undefined): unknown {
  if (number === undefined || Number.isNaN(number)) return text;
  const digits = text.trim();
  return /^[+-]?\d+$/.test(digits) ? BigInt(digits.replace('+', '')) : number;
}

/** Texts of a CSV column that are true or false, as such. */
function booleans({ field, sql }: InputColumn, values: readonly unknown[]): readonly unknown[] {
  if (field.type !== 'boolean' || !sql[0]?.startsWith('coalesce(')) return values;
  return values.map((value) => (value === 'true' ? true : value === 'false' ? false : value));
}
