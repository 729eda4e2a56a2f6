import { uuidv7 } from '../../core/ids.ts';
import type {
  PredictReply,
  PredictRequest,
  RequestTensor,
  ServedArm,
} from '../../lifecycle/serving/index.ts';
import { parseJson } from './json-body.ts';
import {
  eventTimeMs,
  headerArm,
  headerEntity,
  headerEventTimeMs,
  malformed,
  type RequestContext,
  rowIds,
} from './request-context.ts';

type Json = Readonly<Record<string, unknown>>;

const forms = ['dataframe_split', 'dataframe_records', 'instances', 'inputs'] as const;

/**
 * Reads a request of MLflow's scoring protocol: exactly one of `dataframe_split`, `dataframe_records`,
 * `instances`, `inputs`, and `params`. Columns that the model does not know are dropped, as MLflow does.
 * `params` may hold `prediction_ids`, `entities` and `event_times`, one per row, or `entity` and `event_time`.
 * Throws `request_malformed`, `invalid_time`.
 *
 * @param columnNames the model's inputs in order, for data without names
 */
export function readInvocation(
  body: Buffer,
  context: RequestContext,
  columnNames: readonly string[],
): PredictRequest {
  const json = parseJson(body);
  const present = forms.filter((form) => json[form] !== undefined);
  const [form] = present;
  if (present.length !== 1 || !form) {
    throw malformed(
      `the body must hold exactly one of ${forms.join(', ')}; it holds ${present.join(', ') || 'none'}`,
    );
  }
  for (const key of Object.keys(json)) {
    if (key !== form && key !== 'params')
      throw malformed(`"${key}" is not known beside "${form}"; only "params" is`);
  }
  const { tensors, rowCount } = readers[form](json[form], columnNames);
  if (rowCount === 0) throw malformed(`"${form}" holds no rows`);
  return { ...described(json.params, context, rowCount), rowCount, tensors };
}

function described(
  given: unknown,
  context: RequestContext,
  rowCount: number,
): Omit<PredictRequest, 'rowCount' | 'tensors'> {
  const params = (given ?? {}) as Json;
  if (typeof params !== 'object' || Array.isArray(params)) throw malformed('"params" must be an object');
  const perRow = (name: string): readonly unknown[] | null => {
    const list = params[name];
    if (list === undefined) return null;
    if (Array.isArray(list) && list.length === rowCount) return list;
    throw malformed(`params.${name} must be a list with one entry per row (${rowCount})`);
  };
  const all = <T>(value: T | null): readonly T[] | null =>
    value === null ? null : new Array<T>(rowCount).fill(value);
  const entity = params.entity === undefined ? headerEntity(context) : String(params.entity);
  const time =
    params.event_time === undefined
      ? headerEventTimeMs(context)
      : eventTimeMs(params.event_time, 'params.event_time');
  return {
    endpoint: context.endpoint,
    version: context.version,
    override: headerArm(context),
    extras: 'drop',
    predictionIds: perRow('prediction_ids')?.map(String) ?? rowIds(uuidv7(), rowCount),
    entities: perRow('entities')?.map((e) => (e === null ? null : String(e))) ?? all(entity),
    eventTimesMs: perRow('event_times')?.map((t) => eventTimeMs(t, 'params.event_times')) ?? all(time),
    receivedAtMs: context.receivedAtMs,
    startedMs: context.startedMs,
  };
}

interface Table {
  readonly tensors: readonly RequestTensor[];
  readonly rowCount: number;
}

const readers: Readonly<Record<(typeof forms)[number], (value: unknown, names: readonly string[]) => Table>> =
  {
    dataframe_split: (value, names) => {
      const split = value as Json | null;
      if (!split || !Array.isArray(split.data))
        throw malformed('"dataframe_split" must hold "data", a list of rows');
      for (const key of Object.keys(split)) {
        if (!['data', 'columns', 'index'].includes(key))
          throw malformed(`"dataframe_split" must not hold "${key}"`);
      }
      const columns = (split.columns ?? names) as readonly string[];
      const rows = split.data as readonly unknown[];
      for (const [i, row] of rows.entries()) {
        if (!Array.isArray(row) || row.length !== columns.length) {
          throw malformed(`row ${i} of "dataframe_split" must be a list of ${columns.length} values`);
        }
      }
      return table(columns, rows.length, (row, column) => (rows[row] as unknown[])[column]);
    },
    dataframe_records: (value) => {
      if (!Array.isArray(value) || !value.every(isObject))
        throw malformed('"dataframe_records" must be a list of objects');
      return records(value);
    },
    instances: (value, names) => {
      if (!Array.isArray(value)) throw malformed('"instances" must be a list, one entry per row');
      if (value.length > 0 && value.every(isObject)) return records(value);
      return unnamed(value, names);
    },
    inputs: (value, names) => {
      if (isObject(value)) {
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
      if (!Array.isArray(value)) throw malformed('"inputs" must be an object of columns or a list');
      return value.length > 0 && value.every(isObject) ? records(value) : unnamed(value, names);
    },
  };

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function table(
  columns: readonly string[],
  rowCount: number,
  cell: (row: number, column: number) => unknown,
): Table {
  const tensors = columns.map((name, column) => ({
    name,
    width: 1,
    data: Array.from({ length: rowCount }, (_, row) => cell(row, column)),
  }));
  return { tensors, rowCount };
}

function records(rows: readonly Json[]): Table {
  const columns = [...new Set(rows.flatMap(Object.keys))];
  return table(columns, rows.length, (row, column) => rows[row]?.[columns[column] ?? '']);
}

/** Rows of values without names: scalars fill the only column, lists all columns in order. */
function unnamed(rows: readonly unknown[], names: readonly string[]): Table {
  const [only] = names;
  if (names.length === 1 && only)
    return { rowCount: rows.length, tensors: [{ name: only, width: 1, data: rows }] };
  for (const [i, row] of rows.entries()) {
    if (!Array.isArray(row) || row.length !== names.length) {
      throw malformed(`row ${i} must be a list of ${names.length} values (${names.slice(0, 5).join(', ')}…)`);
    }
  }
  return table(names, rows.length, (row, column) => (rows[row] as unknown[])[column]);
}

/**
 * Writes `{"predictions": …}`: what the model's own `predict` gives. That is one value per row for a
 * scikit-learn model, and an object of outputs per row for an ONNX model. `prediction_ids` comes beside it.
 */
export function writePredictions(reply: PredictReply, arm: ServedArm): string {
  const fromSklearn = arm.model.manifest.conversion !== null;
  const outputs = fromSklearn ? reply.outputs.slice(0, 1) : reply.outputs;
  const rows = reply.rows.map((_, row) => {
    const cells = outputs.map(({ name, width, texts }) => {
      const text = texts[row] ?? 'null';
      const cell = width === 1 ? text : `[${text}]`;
      return fromSklearn ? cell : `${JSON.stringify(name)}:${cell}`;
    });
    return fromSklearn ? cells.join(',') : `{${cells.join(',')}}`;
  });
  const ids = reply.rows.map((r) => JSON.stringify(r.predictionId));
  return `{"predictions":[${rows.join(',')}],"prediction_ids":[${ids.join(',')}]}`;
}
