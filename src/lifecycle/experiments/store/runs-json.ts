import { sqliteStatements, statements, type Tx } from '../../../platform/db/index.ts';
import { chunks } from './chunks.ts';
import { orderOfRuns } from './of-runs.ts';

/** What the databases do differently. */
interface JsonDialect {
  /** `'name', value, ...` as an object. */
  readonly object: (pairs: string) => string;
  /** A text as JSON. */
  readonly quoted: (text: string) => string;
  readonly number: (value: string, isNan: string) => string;
  readonly ordered: (by: string) => string;
  /** A text as what comes to us at the least cost. */
  readonly read: (text: string) => string;
}

const sqlite: JsonDialect = {
  object: (pairs) => `json_object(${pairs})`,
  quoted: (text) => `json_quote(${text})`,
  number: (value, isNan) => `CASE ${isNan} WHEN 1 THEN 'NaN' ELSE ${value} END`,
  // The rows come by an index that has them in this order; asked for it, SQLite makes a table of them first.
  ordered: () => '',
  read: (text) => `CAST(${text} AS BLOB)`,
};

const postgres: JsonDialect = {
  object: (pairs) => `CAST(json_build_object(${pairs}) AS TEXT)`,
  quoted: (text) => `CAST(to_json(${text}) AS TEXT)`,
  number: (value, isNan) => `CASE ${isNan} WHEN 1 THEN to_json('NaN'::text) ELSE to_json(${value}) END`,
  ordered: (by) => `ORDER BY ${by}`,
  read: (text) => text,
};

/** How many runs Postgres makes the text of on one of its connections, while others do their part. */
const runsPerConnection = 250;

/**
 * Whole runs as MLflow's REST API writes them, with commas between them, as texts in UTF-8 of many runs each. The
 * database makes them, so that thousands of runs with their metrics, params and tags are no objects here. Runs that
 * are gone are left out.
 */
export async function runsJson(tx: Tx, seqs: readonly number[]): Promise<readonly Uint8Array[]> {
  if (seqs.length === 0) return [];
  const parts = sqliteStatements(tx) ? [seqs] : chunks(seqs, runsPerConnection);
  const texts = await Promise.all(parts.map((part) => partJson(tx, part)));
  return texts.filter((text) => text.length > 0);
}

async function partJson(tx: Tx, seqs: readonly number[]): Promise<Uint8Array> {
  const dialect = sqliteStatements(tx) ? sqlite : postgres;
  const { from, value } = orderOfRuns(tx, seqs);
  const [row] = await statements(tx).all<{ readonly runs: Uint8Array | string | null }>(
    `SELECT ${dialect.read(`string_agg(o.run, ',')`)} AS runs FROM (
      SELECT ${runJson(dialect)} AS run FROM ${from} ORDER BY w.place) o`,
    [value],
  );
  const runs = row?.runs ?? '';
  return typeof runs === 'string' ? Buffer.from(runs) : runs;
}

function runJson({ object, quoted, ordered, number }: JsonDialect): string {
  /** `"name":[...]` after a comma, or nothing where there is none. */
  const list = (name: string, rows: string, item: string, order: string): string =>
    `coalesce(',"${name}":[' || (SELECT string_agg(i.item, ',') FROM (
      SELECT ${item} AS item FROM ${rows} ${ordered(order)}) i) || ']', '')`;
  const pair = object(`'key', t.key, 'value', t.value`);
  const pairs = (name: string, table: string, where: string): string =>
    list(name, `${table} t WHERE t.run_seq = r.seq${where}`, pair, 't.key');
  const optional = (name: string, text: string): string =>
    `CASE WHEN ${text} IS NULL THEN '' ELSE ',"${name}":' || ${quoted(text)} END`;
  /** An object of lists, each of which begins with a comma. */
  const lists = (...parts: readonly string[]): string => `'{' || ltrim(${parts.join(' || ')}, ',') || '}'`;

  // MLflow has no word for a run that went silent.
  const status = `CASE r.status WHEN 'LOST' THEN 'FAILED' ELSE r.status END`;
  const before = `'run_uuid', r.id, 'experiment_id', CAST(r.experiment_id AS TEXT), 'run_name', r.name,
    'user_id', r.user_id, 'status', ${status}, 'start_time', r.start_time_ms`;
  const after = `'artifact_uri', r.artifact_uri, 'lifecycle_stage', r.lifecycle_stage, 'run_id', r.id`;
  const info = `CASE WHEN coalesce(r.end_time_ms, 0) = 0 THEN ${object(`${before}, ${after}`)}
    ELSE ${object(`${before}, 'end_time', r.end_time_ms, ${after}`)} END`;

  const metric = object(
    `'key', m.key, 'value', ${number('m.last_value', 'm.last_is_nan')}, 'timestamp', m.last_time_ms, 'step', m.last_step`,
  );
  const data = lists(
    list('metrics', 'metric_series m WHERE m.run_seq = r.seq AND m.count > 0', metric, 'm.key'),
    pairs('params', 'run_params', ''),
    pairs('tags', 'run_tags', ''),
  );

  const dataset = `'{"name":' || ${quoted('d.name')} || ',"digest":' || ${quoted('d.digest')}
    || ',"source_type":' || ${quoted('d.source_type')} || ',"source":' || ${quoted('d.source')}
    || ${optional('schema', 'd.schema')} || ${optional('profile', 'd.profile')} || '}'`;
  const input = lists(
    pairs('tags', 'run_dataset_tags', ' AND t.dataset_id = l.dataset_id'),
    `',"dataset":' || ${dataset}`,
  );
  const datasets = 'run_datasets l JOIN input_datasets d ON d.id = l.dataset_id WHERE l.run_seq = r.seq';
  const models = (direction: string): string =>
    `run_models o WHERE o.run_seq = r.seq AND o.direction = '${direction}'`;
  const inputs = lists(
    list('dataset_inputs', datasets, input, 'd.id'),
    list('model_inputs', models('input'), object(`'model_id', o.model_id`), 'o.model_id, o.step'),
  );
  const output = object(`'model_id', o.model_id, 'step', o.step`);
  const outputs = lists(list('model_outputs', models('output'), output, 'o.model_id, o.step'));

  return `'{"info":' || ${info} || ',"data":' || ${data} || ',"inputs":' || ${inputs} || ',"outputs":' || ${outputs} || '}'`;
}
