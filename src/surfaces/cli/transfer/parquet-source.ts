import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { fail } from '../../../core/errors.ts';
import { type Frames, sqlLiteral, sqlName } from '../../../platform/frames/index.ts';
import type { TransferRun, TransferTag } from '../contract.ts';
import { findColumns, type LongColumns, type LongFormat } from './long-table.ts';
import type { MetricColumns, TransferSource } from './transfer-source.ts';

/** How a long table is read. */
interface LongTableOptions {
  readonly format: LongFormat;
  /** `role=column`, for columns that are called otherwise. */
  readonly columns: readonly string[];
  /** The experiment, where the table has no column for it; else the file's name. */
  readonly experiment: string | undefined;
}

const nanText = `('nan', '-nan')`;

/**
 * A Parquet file with one row per value: run, key, step, time, value, as exports of Weights & Biases and Neptune have
 * it. Numbers become points of metrics; a text that is the only value of its key in a run becomes a param, the last of
 * several a tag. Columns `config.…` and a JSON column `config` become params. Runs get ids that are the same each time.
 *
 * Throws `import_source_unreadable`, `long_table_column`, and `long_table_value` naming column and row.
 */
export async function openLongTable(
  path: string,
  options: LongTableOptions,
  frames: Frames,
): Promise<TransferSource> {
  const full = resolve(path);
  if (!existsSync(full))
    throw fail('import_source_unreadable', { source: path, problem: 'it does not exist' });
  const file = `read_parquet(${sqlLiteral(full)}, file_row_number = true)`;
  const described = await frames.query(`DESCRIBE SELECT * FROM ${file}`).catch((error: Error) => {
    throw fail('import_source_unreadable', { source: path, problem: error.message.split('\n')[0] }, error);
  });
  const types = new Map(described.map((row) => [String(row.column_name), String(row.column_type)]));
  const present = [...types.keys()].filter((name) => name !== 'file_row_number');
  const columns = findColumns(path, options.format, present, options.columns);
  const configColumns = present.filter((name) => /^config[./]/.test(name));
  const plain = plainSql(columns, types, options, basename(full, '.parquet'));
  const rows = `(SELECT *, ${plain} FROM ${file})`;
  await refuseWrong(frames, rows, path, columns);
  const runId = (experiment: string, run: string): string =>
    /^[0-9a-f]{32}$/.test(run)
      ? run
      : createHash('sha256').update(`${experiment}\n${run}`).digest('hex').slice(0, 32);

  /** The runs of the table by their id here, filled by `runs`. */
  const places = new Map<string, { readonly experiment: string; readonly run: string }>();
  const of = (experiment: string, run: string): string =>
    `"t experiment" = ${sqlLiteral(experiment)} AND "t run" = ${sqlLiteral(run)}`;

  return {
    name: `${options.format} ${full}`,
    concurrency: 1,
    async *experiments() {
      const found = await frames.query(
        `SELECT "t experiment" AS name, min("t time") AS "from", max("t time") AS "to" FROM ${rows} GROUP BY ALL ORDER BY 1`,
      );
      for (const row of found) {
        const [createdAtMs, updatedAtMs] = [Number(row.from ?? 0), Number(row.to ?? 0)];
        const name = String(row.name);
        yield { id: name, name, lifecycleStage: 'active' as const, createdAtMs, updatedAtMs, tags: [] };
      }
    },
    async *runs(experiment) {
      const found = await frames.query(
        `SELECT "t run" AS run, min("t time") AS "from", max("t time") AS "to" FROM ${rows}
          WHERE "t experiment" = ${sqlLiteral(experiment)} GROUP BY ALL ORDER BY 1`,
      );
      for (const row of found) {
        const run = String(row.run);
        const id = runId(experiment, run);
        places.set(id, { experiment, run });
        const texts = await textsOf(frames, rows, of(experiment, run));
        const config = await configOf(frames, rows, of(experiment, run), columns.config, configColumns);
        const params = new Map([...texts.params, ...config].map((param) => [param.key, param]));
        const tags = [{ key: 'mlflow.runName', value: run }, ...texts.tags];
        const item: TransferRun = {
          id,
          experimentId: experiment,
          name: run,
          userId: '',
          status: 'FINISHED',
          startTimeMs: Number(row.from ?? 0),
          endTimeMs: Number(row.to ?? 0),
          lifecycleStage: 'active',
          artifactUri: null,
          params: [...params.values()],
          tags,
          inputs: [],
          modelInputs: [],
          modelOutputs: [],
        };
        yield { item, mark: '' };
      }
    },
    async *metrics(run) {
      const place = places.get(run.id);
      if (!place) return;
      const found = await frames.columns(
        `SELECT "t key", "t step", "t time", "t number" FROM ${rows}
          WHERE ${of(place.experiment, place.run)} AND "t number" IS NOT NULL ORDER BY file_row_number`,
      );
      yield* seriesOf(found.columns);
    },
    async *models() {},
    async files() {
      // A table has no files; the runs get the server's own place for theirs.
      return { async *list() {}, open: () => Promise.reject(new Error('a table has no files')) };
    },
    async *registeredModels() {},
    async close() {},
  };
}

/** The columns of all roles under names of ours, in the types that we need; wrong values become NULL. */
function plainSql(
  columns: LongColumns,
  types: ReadonlyMap<string, string>,
  options: LongTableOptions,
  fileName: string,
): string {
  const at = (role: keyof LongColumns): string | undefined => {
    const name = columns[role];
    return name === undefined ? undefined : sqlName(name);
  };
  const fixed = sqlLiteral(options.experiment ?? fileName);
  const experiment =
    at('experiment') && options.experiment === undefined ? `CAST(${at('experiment')} AS VARCHAR)` : fixed;
  const value = at('value') ?? 'NULL';
  // Neptune keeps each type in a column of its own.
  const others = ['int_value', 'string_value', 'bool_value', 'datetime_value'].filter((name) =>
    types.has(name),
  );
  const text = ['value', ...(options.format === 'neptune' ? others : [])]
    .map((name) => `CAST(${name === 'value' ? value : sqlName(name)} AS VARCHAR)`)
    .join(', ');
  const isSeries = at('type') ? `CAST(${at('type')} AS VARCHAR) LIKE '%_series'` : 'true';
  const number = `TRY_CAST(coalesce(${text}) AS DOUBLE)`;
  const step = at('step');
  return [
    `${experiment} AS "t experiment"`,
    `CAST(${at('run')} AS VARCHAR) AS "t run"`,
    `CAST(${at('key')} AS VARCHAR) AS "t key"`,
    `coalesce(${text}) AS "t text"`,
    `CASE WHEN ${isSeries} THEN CASE WHEN lower(coalesce(${text})) IN ${nanText} THEN 'NaN'::DOUBLE ELSE ${number} END END AS "t number"`,
    `${step ? `TRY_CAST(${step} AS DOUBLE)` : '0'} AS "t raw step"`,
    `coalesce(${step ? `TRY_CAST(${step} AS BIGINT)` : '0'}, 0) AS "t step"`,
    `${timeSql(columns.time, types)} AS "t time"`,
  ].join(', ');
}

/** Epoch milliseconds of a time column: timestamps, or numbers that count seconds, milliseconds or microseconds. */
function timeSql(name: string | undefined, types: ReadonlyMap<string, string>): string {
  if (name === undefined) return '0';
  const column = sqlName(name);
  const type = types.get(name) ?? '';
  if (/^(TIMESTAMP|DATE)/.test(type)) return `coalesce(epoch_ms(CAST(${column} AS TIMESTAMP)), 0)`;
  const number = `TRY_CAST(${column} AS DOUBLE)`;
  const scaled = `CASE WHEN abs(${number}) < 1e11 THEN ${number} * 1000 WHEN abs(${number}) < 1e14 THEN ${number} ELSE ${number} / 1000 END`;
  const text = type === 'VARCHAR' ? `epoch_ms(TRY_CAST(${column} AS TIMESTAMP))` : 'NULL';
  return `coalesce(CAST(round(${scaled}) AS BIGINT), ${text}${type === 'VARCHAR' ? '' : ', 0'})`;
}

/** Throws `long_table_value` for the first row without run or key, with a broken step or a time that is none. */
async function refuseWrong(frames: Frames, rows: string, file: string, columns: LongColumns): Promise<void> {
  const rules = [
    ['run', `"t run" IS NULL OR "t run" = ''`, 'is empty'],
    ['key', `"t key" IS NULL OR "t key" = ''`, 'is empty'],
    ['step', `"t raw step" IS NOT NULL AND "t raw step" <> round("t raw step")`, 'is not a whole number'],
    ['time', `"t time" IS NULL`, 'is not a time'],
  ] as const;
  for (const [role, wrong, problem] of rules) {
    const column = columns[role];
    if (column === undefined) continue;
    const [row] = await frames.query(
      `SELECT file_row_number AS n, CAST(${sqlName(column)} AS VARCHAR) AS value FROM ${rows}
        WHERE ${wrong} ORDER BY file_row_number LIMIT 1`,
    );
    if (row) {
      const value = row.value === null ? 'NULL' : JSON.stringify(row.value);
      throw fail('long_table_value', { file, column, row: Number(row.n) + 1, value, problem });
    }
  }
}

/** Values that are no numbers: params where a key has one of them, else tags with the last. */
async function textsOf(
  frames: Frames,
  rows: string,
  where: string,
): Promise<{ readonly params: readonly TransferTag[]; readonly tags: readonly TransferTag[] }> {
  const found = await frames.query(
    `SELECT "t key" AS key, count(*) AS n, arg_max("t text", ("t step", file_row_number)) AS value FROM ${rows}
      WHERE ${where} AND "t number" IS NULL AND "t text" IS NOT NULL GROUP BY ALL ORDER BY 1`,
  );
  const texts = found.map((row) => ({
    n: Number(row.n),
    key: cleanKey(String(row.key)),
    value: String(row.value),
  }));
  const plain = ({ key, value }: TransferTag): TransferTag => ({ key, value });
  return {
    params: texts.filter(({ n }) => n === 1).map(plain),
    tags: texts.filter(({ n }) => n > 1).map(plain),
  };
}

/** Params from columns `config.…`, and from the members of a JSON column. */
async function configOf(
  frames: Frames,
  rows: string,
  where: string,
  json: string | undefined,
  columns: readonly string[],
): Promise<readonly TransferTag[]> {
  const wanted = [...columns, ...(json === undefined ? [] : [json])];
  if (wanted.length === 0) return [];
  const picked = wanted.map((name, i) => `any_value(CAST(${sqlName(name)} AS VARCHAR)) AS c${i}`);
  const [row] = await frames.query(`SELECT ${picked.join(', ')} FROM ${rows} WHERE ${where}`);
  const params: TransferTag[] = columns.flatMap((name, i) => {
    const value = row?.[`c${i}`];
    const key = cleanKey(name.replace(/^config[./]/, ''));
    return value === null || value === undefined ? [] : [{ key, value: String(value) }];
  });
  const text = json === undefined ? null : row?.[`c${columns.length}`];
  if (typeof text === 'string') {
    for (const [key, value] of Object.entries(membersOf(text))) {
      params.push({ key: cleanKey(key), value: typeof value === 'string' ? value : JSON.stringify(value) });
    }
  }
  return params;
}

function membersOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function* seriesOf(columns: readonly (readonly unknown[])[]): Generator<MetricColumns> {
  const [keys = [], steps = [], times = [], values = []] = columns;
  const series = new Map<string, MetricColumns>();
  for (let i = 0; i < keys.length; i++) {
    const key = cleanKey(String(keys[i]));
    let columnsOfKey = series.get(key);
    if (!columnsOfKey) {
      columnsOfKey = { key, steps: [], timesMs: [], values: [] };
      series.set(key, columnsOfKey);
    }
    columnsOfKey.steps.push(Number(steps[i]));
    columnsOfKey.timesMs.push(Number(times[i]));
    columnsOfKey.values.push(Number(values[i]));
  }
  yield* series.values();
}

/** A key that MLflow's clients may ask for: other characters become `_`. */
function cleanKey(key: string): string {
  return (
    key
      .replace(/[^\p{L}\p{N}_.\-/ :]/gu, '_')
      .replace(/^[/.]+/, '')
      .slice(0, 250) || '_'
  );
}
