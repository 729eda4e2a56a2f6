import type { RequestTensor } from '../../../lifecycle/serving/index.ts';
import { checkRowCount } from '../http/request-size.ts';
import { malformed } from '../request-context.ts';
import { BinaryValue } from './binary-values.ts';

type Json = Readonly<Record<string, unknown>>;

/** The forms of data that MLflow's scoring protocol knows. */
export const scoringForms = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const;
export type ScoringForm = (typeof scoringForms)[number];

/** Columns of a scoring request; a cell may be a list where the column is a tensor. */
export interface ScoringTable {
  readonly tensors: readonly RequestTensor[];
  readonly rowCount: number;
}

/**
 * Reads the data of a request in one of the forms. Throws `request_malformed`.
 *
 * @param names the model's inputs in order, for data without names
 */
export function readTable(form: ScoringForm, value: unknown, names: readonly string[]): ScoringTable {
  const table = readers[form](value, names);
  checkRowCount(table.rowCount);
  return table;
}

/** Throws `request_malformed` for data that is not in the form, where the model's inputs are not known. */
export function checkForm(form: ScoringForm, value: unknown): void {
  if (form === 'instances' || form === 'inputs') return;
  const first = isObject(value) && Array.isArray(value.data) ? value.data[0] : [];
  readTable(form, value, Array.isArray(first) ? first.map((_, i) => String(i)) : []);
}

const readers: Readonly<Record<ScoringForm, (value: unknown, names: readonly string[]) => ScoringTable>> = {
  dataframe_split: (value, inputs) => {
    if (!isObject(value)) {
      throw malformed(`Dataframe split format must be a dictionary. Got ${kindOf(value)}`);
    }
    if (!Array.isArray(value.data)) throw notSplit('it must hold "data", a list of rows');
    for (const key of Object.keys(value)) {
      if (!['data', 'columns', 'index'].includes(key))
        throw notSplit(`it must not hold ${JSON.stringify(key.slice(0, 60))}`);
    }
    const rows = value.data as readonly unknown[];
    const columns = value.columns ?? namesFor(rows[0], inputs);
    if (!Array.isArray(columns)) throw notSplit('"columns" must be a list of names');
    const names = new Set<string>();
    for (const name of columns.map(String)) {
      if (names.has(name)) throw notSplit(`"columns" names ${JSON.stringify(name.slice(0, 60))} twice`);
      names.add(name);
    }
    const { index } = value;
    if (index !== undefined && index !== null && (!Array.isArray(index) || index.length !== rows.length)) {
      throw notSplit(`"index" must be a list with an entry for each of the ${rows.length} rows`);
    }
    for (const [i, row] of rows.entries()) {
      if (!Array.isArray(row) || row.length !== columns.length) {
        throw notSplit(`row ${i} of "dataframe_split" must be a list of ${columns.length} values`);
      }
    }
    return table([...names], rows.length, (row, column) => (rows[row] as unknown[])[column]);
  },
  dataframe_records: (value) => {
    if (!Array.isArray(value)) {
      throw malformed(`Dataframe records format must be a list of records. Got ${kindOf(value)}`);
    }
    if (!value.every(isObject)) throw malformed('"dataframe_records" must be a list of objects');
    return records(value);
  },
  instances: (value, names) => {
    if (!Array.isArray(value)) throw malformed('"instances" must be a list, one entry per row');
    return value.length > 0 && value.every(isObject) ? records(value) : unnamed(value, names);
  },
  inputs: (value, names) => {
    if (isObject(value)) return columnsOf(value);
    if (names.length === 1 && isScalar(value)) return unnamed([value], names);
    if (!Array.isArray(value)) throw malformed('"inputs" must be an object of columns or a list');
    return value.length > 0 && value.every(isObject) ? records(value) : unnamed(value, names);
  },
};

/** Of rows without names: a model's only input may be a tensor of them all, whose columns are numbered. */
function namesFor(row: unknown, names: readonly string[]): readonly string[] {
  const isWider = names.length === 1 && Array.isArray(row) && row.length > 1;
  return isWider ? row.map((_, i) => String(i)) : names;
}

function notSplit(problem: string) {
  return malformed(`Provided dataframe_split field is not a valid dataframe representation: ${problem}`);
}

/** What came instead, in MLflow's words; never the value. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'list';
  return isObject(value) ? 'dictionary' : typeof value;
}

function columnsOf(value: Json): ScoringTable {
  const columns = Object.entries(value).map(
    ([name, cells]) => [name, Array.isArray(cells) ? cells : [cells]] as const,
  );
  const rowCount = columns[0]?.[1].length ?? 0;
  for (const [name, cells] of columns) {
    if (cells.length !== rowCount)
      throw malformed(`"inputs": "${name}" has ${cells.length} rows, others ${rowCount}`);
  }
  return { rowCount, tensors: columns.map(([name, data]) => ({ name, width: 1, data })) };
}

function isScalar(value: unknown): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value) || value instanceof BinaryValue;
}

export function isObject(value: unknown): value is Json {
  const isValue = Array.isArray(value) || value instanceof BinaryValue;
  return typeof value === 'object' && value !== null && !isValue;
}

/** A table out of its cells. */
export function table(
  columns: readonly string[],
  rowCount: number,
  cell: (row: number, column: number) => unknown,
): ScoringTable {
  const tensors = columns.map((name, column) => ({
    name,
    width: 1,
    data: Array.from({ length: rowCount }, (_, row) => cell(row, column)),
  }));
  return { tensors, rowCount };
}

/** Cells that a table of rows with different members may have for each member that was sent, and in any case. */
const sparse = { cellsForMember: 10, cells: 1_000_000 } as const;

/** Throws `request_malformed` for rows that have next to nothing in common: as a table they would be far larger. */
function records(rows: readonly Json[]): ScoringTable {
  checkRowCount(rows.length);
  const names = new Set<string>();
  let members = 0;
  for (const row of rows) {
    for (const name of Object.keys(row)) {
      names.add(name);
      members++;
    }
  }
  if (rows.length * names.size > Math.max(sparse.cells, sparse.cellsForMember * members)) {
    throw malformed(
      `the ${rows.length} rows have ${names.size} different columns, most of which are in few of them`,
    );
  }
  const columns = [...names];
  // A column that some rows have is one without a value for the others, as in a frame.
  return table(columns, rows.length, (row, column) => memberOf(rows[row], columns[column]) ?? null);
}

/** A member that came with the object: every object has a `constructor` without that. */
function memberOf(row: Json | undefined, name: string | undefined): unknown {
  return row !== undefined && name !== undefined && Object.hasOwn(row, name) ? row[name] : undefined;
}

/** Rows of values without names: scalars fill the only column, lists all columns in order. */
function unnamed(rows: readonly unknown[], names: readonly string[]): ScoringTable {
  const [only] = names;
  if (names.length === 1 && only)
    return { rowCount: rows.length, tensors: [{ name: only, width: 1, data: rows }] };
  for (const [i, row] of rows.entries()) {
    if (!Array.isArray(row) || row.length !== names.length) {
      throw malformed(`row ${i} must be a list of ${names.length} values, one for each input of the model`);
    }
  }
  return table(names, rows.length, (row, column) => (rows[row] as unknown[])[column]);
}
