import type { SignatureField } from '../../../core/model-package.ts';
import { firstTimeMs, lastTimeMs } from '../../../core/time.ts';
import type { DirectFrames, TableWriter } from '../../../platform/frames/direct-frames.ts';
import { sqlLiteral, sqlName } from '../../../platform/frames/index.ts';
import { predictionLogColumns } from '../contract.ts';
import { type BatchSource, problemColumn } from './batch-source.ts';
import type { BatchInputs, BatchLogPolicy } from './contract.ts';
import type { InputColumn } from './input-columns.ts';
import { LoggedCells } from './logged-cells.ts';
import type { ScoredRows } from './row-scorer.ts';

const resultColumns = ['prediction', 'score', 'outputs', 'model_version', 'error'];

/** What the output tells of a row beside its score. */
interface PredictionColumns {
  /** Element type of the prediction. */
  readonly type: string;
  /** Whether the prediction is one value. */
  readonly scalar: boolean;
  /** Whether there is a column of all outputs. */
  readonly more: boolean;
}

/** A logged row's id is a column of the output anyway. */
const idColumn = 'prediction_id';

/** Which columns of the input the output has too, and what they are called there. */
export function keptColumns(
  { keep, log }: Pick<BatchInputs, 'keep' | 'log'>,
  source: BatchSource,
  fields: readonly SignatureField[],
): readonly { readonly name: string; readonly as: string }[] {
  const inputs = new Set(fields.map((field) => field.name));
  const wanted = keep ?? [...source.columns.keys()].filter((name) => !inputs.has(name));
  const names = wanted.filter((name) => !log || name !== idColumn);
  // Every column that may keep its name does; DuckDB's names know no case.
  const isResult = (name: string) => resultColumns.includes(name.toLowerCase());
  const taken = new Set(names.filter((name) => !isResult(name)).map((name) => name.toLowerCase()));
  return names.map((name) => {
    if (!isResult(name)) return { name, as: name };
    let as = `input_${name}`;
    while (taken.has(as.toLowerCase())) as = `input_${as}`;
    taken.add(as.toLowerCase());
    return { name, as };
  });
}

/** The SELECT that reads what a batch needs of its input: inputs first, then what is kept, then what the log wants. */
export function selectRows(
  source: BatchSource,
  inputs: readonly InputColumn[],
  kept: readonly { readonly name: string }[],
  { entityFeature, eventTimeFeature, requestedAtMs, log }: BatchInputs,
  fromRow: number,
  rows = Number.MAX_SAFE_INTEGER,
): string {
  const has = (name: string | null): name is string => name !== null && source.columns.has(name);
  const cell = (...names: (string | null)[]) => {
    const found = names.find(has);
    return found === undefined ? 'NULL::VARCHAR' : `CAST(${sqlName(found)} AS VARCHAR)`;
  };
  const timeColumn =
    ['event_time', eventTimeFeature, 'event_time_ms'].find((name) => has(name ?? null)) ?? null;
  const expressions = [
    ...inputs.flatMap(({ sql }) => sql).map((sql, i) => `${sql} AS i${i}`),
    ...kept.map(({ name }, i) => `${sqlName(name)} AS k${i}`),
    source.decimal !== null ? sqlName(problemColumn) : 'NULL::VARCHAR AS problem',
    'file_row_number AS row_number',
    ...(log
      ? [
          `${cell('prediction_id')} AS prediction_id`,
          `${cell('entity', entityFeature)} AS entity`,
          `coalesce(${timeMs(timeColumn, source)}, ${requestedAtMs}) AS event_time_ms`,
        ]
      : []),
  ];
  const file = `read_parquet(${sqlLiteral(source.path)}, file_row_number = true)`;
  return `SELECT ${expressions.join(', ')} FROM ${file} WHERE file_row_number >= ${fromRow} AND file_row_number < ${rows === Number.MAX_SAFE_INTEGER ? rows : fromRow + rows}`;
}

/**
 * Epoch milliseconds of a time column: a date or timestamp, a number, or text of either kind. Null where a cell is none
 * of them, such as a number in microseconds.
 */
function timeMs(name: string | null, source: BatchSource): string {
  if (name === null) return 'NULL::BIGINT';
  const cell = anyTimeMs(sqlName(name), source.columns.get(name) ?? '');
  return `CASE WHEN ${cell} BETWEEN ${firstTimeMs} AND ${lastTimeMs} THEN ${cell} END`;
}

function anyTimeMs(column: string, type: string): string {
  if (/^(?:TIMESTAMP|DATE)/.test(type)) return `epoch_ms(CAST(${column} AS TIMESTAMP))`;
  if (/INT|DOUBLE|FLOAT|DECIMAL/.test(type)) return `TRY_CAST(${column} AS BIGINT)`;
  return `coalesce(TRY_CAST(${column} AS BIGINT), epoch_ms(TRY_CAST(${column} AS TIMESTAMPTZ)))`;
}

const predictionTypes: Readonly<Record<string, string>> = {
  string: 'VARCHAR',
  bool: 'BOOLEAN',
  float: 'DOUBLE',
  double: 'DOUBLE',
  int64: 'BIGINT',
  uint64: 'UBIGINT',
};

/** Written once and read until it is compacted: dictionaries of numbers that hardly come twice are not worth their time. */
const logFormat = 'COMPRESSION snappy, DICTIONARY_SIZE_LIMIT 4096';

/** A text costs a call for each row; few rows have an error or a flag. */
const nullsForNone = (texts: readonly string[]): readonly (string | null)[] =>
  texts.map((text) => text || null);

/** Where the rows of one part of the output gather before they become its Parquet files. */
export class PartWriter {
  readonly #frames: DirectFrames;
  readonly #prediction: PredictionColumns;
  readonly #inputs: readonly InputColumn[];
  readonly #kept: readonly { readonly as: string }[];
  readonly #job: BatchInputs;
  readonly #select: (firstRow: number, rows: number) => string;
  readonly #results: TableWriter;
  readonly #policy: BatchLogPolicy | null;
  rows = 0;
  failedRows = 0;

  private constructor(
    frames: DirectFrames,
    prediction: PredictionColumns,
    inputs: readonly InputColumn[],
    kept: readonly { readonly as: string }[],
    job: BatchInputs,
    select: (firstRow: number, rows: number) => string,
    results: TableWriter,
    policy: BatchLogPolicy | null,
  ) {
    this.#frames = frames;
    this.#prediction = prediction;
    this.#inputs = inputs;
    this.#kept = kept;
    this.#job = job;
    this.#select = select;
    this.#results = results;
    this.#policy = policy;
  }

  static async open(
    frames: DirectFrames,
    prediction: PredictionColumns,
    inputs: readonly InputColumn[],
    kept: readonly { readonly as: string }[],
    job: BatchInputs,
    select: (firstRow: number, rows: number) => string,
    policy: BatchLogPolicy | null,
  ): Promise<PartWriter> {
    const type = prediction.scalar ? (predictionTypes[prediction.type] ?? 'INTEGER') : 'VARCHAR';
    const logged = job.log ? ', code VARCHAR, flags VARCHAR, outputs VARCHAR' : '';
    const more = prediction.more ? ', all_outputs VARCHAR' : '';
    await frames.run(
      `CREATE TABLE part_results (prediction ${type}, score DOUBLE, error VARCHAR${logged}${more})`,
    );
    const results = await frames.writer('part_results');
    return new PartWriter(frames, prediction, inputs, kept, job, select, results, policy);
  }

  /** Adds what became of the next rows. */
  append(rowCount: number, scored: ScoredRows): void {
    const errors = scored.errors.map((text, i) => (text === '' ? null : `${scored.codes[i]}: ${text}`));
    const texts = [
      ...(this.#job.log ? [scored.codes, scored.flags, scored.outputs] : []),
      ...(this.#prediction.more ? [scored.allOutputs] : []),
    ];
    this.#results.append([scored.predictions, scored.scores, errors, ...texts.map(nullsForNone)], rowCount);
    this.rows += rowCount;
    for (const code of scored.codes) if (code !== '') this.failedRows++;
  }

  /**
   * Writes the part's output, and its segment of the prediction log where that is wanted, and empties the tables.
   *
   * @param firstRow number of the part's first row in the whole input
   * @returns the span of event times in the log; null without one, or without rows
   */
  async finish(
    batchId: string,
    firstRow: number,
    outputPath: string,
    logPath: string,
    latencyUs: number,
  ): Promise<{ readonly minEventTimeMs: number; readonly maxEventTimeMs: number } | null> {
    this.#results.close();
    const { log, modelVersion } = this.#job;
    const id = `coalesce(p.prediction_id, ${sqlLiteral(`${batchId}-`)} || p.row_number)`;
    const selected = [
      ...this.#kept.map(({ as }, i) => `p.k${i} AS ${sqlName(as)}`),
      ...(log ? [`${id} AS prediction_id`] : []),
      'r.prediction',
      'CASE WHEN isnan(r.score) THEN NULL ELSE r.score END AS score',
      ...(this.#prediction.more ? ['r.all_outputs AS outputs'] : []),
      `${sqlLiteral(modelVersion)} AS model_version`,
      'r.error AS error',
    ];
    // The input's own columns never pass through here: DuckDB reads them again, in the same order.
    const select = this.#select(firstRow, this.rows);
    const from = `FROM (${select}) p POSITIONAL JOIN part_results r`;
    await this.#frames.run(
      `COPY (SELECT ${selected.join(', ')} ${from}) TO ${sqlLiteral(outputPath)} (FORMAT parquet)`,
    );
    if (!log || this.rows === 0) return this.#dropped(null);
    const cells = new LoggedCells(this.#inputs, this.#policy);
    const hidden = await cells.write(this.#frames, `SELECT ${id} AS id, p.* FROM (${select}) p`);
    await this.#frames.run(
      `COPY (SELECT ${this.#logColumns(id, latencyUs, cells).join(', ')} ${from}${hidden}) TO ${sqlLiteral(logPath)} (FORMAT parquet, ${logFormat})`,
    );
    const [span] = await this.#frames.query(
      `SELECT min(event_time_ms) AS first, max(event_time_ms) AS last FROM (${select})`,
    );
    return this.#dropped({ minEventTimeMs: Number(span?.first), maxEventTimeMs: Number(span?.last) });
  }

  async #dropped<T>(result: T): Promise<T> {
    await this.#frames.run('DROP TABLE part_results');
    await this.#frames.run('DROP TABLE IF EXISTS part_hidden');
    return result;
  }

  /** The rows as the serve role logs them, answered by the champion and drawn by nobody. */
  #logColumns(id: string, latencyUs: number, cells: LoggedCells): readonly string[] {
    const { endpoint, model, modelVersion, routeVersion, requestedAtMs } = this.#job;
    const values: Readonly<Record<string, string>> = {
      prediction_id: id,
      endpoint: sqlLiteral(endpoint),
      entity: cells.entity('p.entity'),
      event_time_ms: 'p.event_time_ms',
      received_at_ms: String(requestedAtMs),
      model: sqlLiteral(model),
      model_version: sqlLiteral(modelVersion),
      route_version: String(routeVersion),
      arm: "'champion'",
      sticky: 'false',
      status: "coalesce(r.code, 'ok')",
      error: cells.error('r.error', 'r.code'),
      latency_us: String(Math.round(latencyUs)),
      score: 'CASE WHEN isnan(r.score) THEN NULL ELSE r.score END',
      outputs: cells.payload('r.outputs'),
      flags: cells.payload('r.flags'),
    };
    const fixed = predictionLogColumns.map(
      ({ name, type }) => `CAST(${values[name] ?? 'NULL'} AS ${type}) AS ${name}`,
    );
    const features = this.#inputs.map((input, i) => cells.feature(input, i));
    return [...fixed, ...features];
  }
}
