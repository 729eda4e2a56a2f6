import { rm } from 'node:fs/promises';
import { z } from 'zod';
import { type Frames, sqlLiteral, sqlName, typedRows } from '../../../platform/frames/index.ts';
import { featurePrefix, labelTimeSql } from '../relations.ts';

/** A file of the log or of labels. Its content never changes: what rewrites rows makes another file. */
interface NarrowFile {
  readonly id: string;
  readonly path: string;
  readonly rows: number;
  /** The replica that wrote it; left out for labels, and where that is not known. */
  readonly replica?: string;
}

/** Everything that is known of an endpoint at one moment. */
export interface NarrowFiles {
  readonly predictions: readonly NarrowFile[];
  readonly labels: readonly NarrowFile[];
}

/** What is kept of each row beside its label. */
export interface NarrowSelection {
  /** Only rows of this route and later ones. */
  readonly sinceRouteVersion: number;
  /** Only rows that were received from this wall time on, by the clocks of replicas. */
  readonly receivedFromMs?: number | undefined;
  /** Names of features, as text; NULL where a row has none. */
  readonly features: readonly string[];
}

/** So many rows are read at once at most: they have to fit into the frame engine's memory. */
const mostRowsAtOnce = 500_000;
/** Of more than that in all, this share at once, so that whoever waits sees how far it is; but not in tiny pieces. */
const shareAtOnce = 1 / 8;
const leastRowsAtOnce = 100_000;

/**
 * The columns of an endpoint's log that rollouts are judged by, in a database file of the frame engine: ids and entities
 * as 64 bits of their hash, the label that counts beside each row. A file is read once; what came since is added to what is there.
 */
export class NarrowTable {
  readonly #frames: Frames;
  readonly #name: string;
  readonly #path: string;
  readonly #selection: NarrowSelection;
  readonly #types: readonly string[];
  readonly #read = { predictions: new Set<string>(), labels: new Set<string>() };

  private constructor(
    frames: Frames,
    path: string,
    name: string,
    selection: NarrowSelection,
    types: readonly string[],
  ) {
    this.#frames = frames;
    this.#path = path;
    this.#name = name;
    this.#selection = selection;
    this.#types = types;
  }

  /**
   * @param path of a file that is not there
   * @param name of the database, unlike all others
   * @param types what the features are in all files together, as `typesOf` tells
   */
  static async create(
    frames: Frames,
    { path, name }: { readonly path: string; readonly name: string },
    selection: NarrowSelection,
    types: readonly string[],
  ): Promise<NarrowTable> {
    const features = selection.features.map((feature) => `, ${columnOf(feature)} VARCHAR`).join('');
    // What is in the file is never needed after a crash, so tidying it may wait.
    await frames.query(`SET checkpoint_threshold = '256MB'; ATTACH ${sqlLiteral(path)} AS ${name};
      CREATE TABLE ${name}.labels (prediction_id UBIGINT, label DOUBLE, at_ms BIGINT, seq BIGINT);
      CREATE TABLE ${name}.rows (id VARCHAR, copy VARCHAR, received_at_ms BIGINT, prediction_id UBIGINT, entity UBIGINT,
        replica VARCHAR, arm VARCHAR, model_version VARCHAR, route_version BIGINT, status VARCHAR, score DOUBLE, latency_us BIGINT,
        event_time_ms BIGINT, bucket INTEGER, propensity DOUBLE${features}, label DOUBLE)`);
    return new NarrowTable(frames, path, name, selection, types);
  }

  /**
   * The rows as SQL: prediction_id and entity (hashes), id (the prediction's id as it is), replica (empty: not known), arm, model_version,
   * route_version, status, score, latency_us, event_time_ms, received_at_ms, bucket, propensity, label and the features.
   */
  get relation(): string {
    return `${this.#name}.rows`;
  }

  /**
   * Whether these files can be added to what was read: none of those is gone (rows may be gone with it), and features
   * are of the same types. The frame engine may have been started anew meanwhile; then it knows nothing of this.
   */
  async fits({ predictions, labels }: NarrowFiles, types: readonly string[]): Promise<boolean> {
    if (types.join() !== this.#types.join()) return false;
    const isThere = (known: ReadonlySet<string>, files: readonly NarrowFile[]) =>
      new Set(files.map(({ id }) => id)).isSupersetOf(known);
    if (!isThere(this.#read.predictions, predictions) || !isThere(this.#read.labels, labels)) return false;
    const attached = await this.#frames.query(
      `SELECT 1 FROM duckdb_databases() WHERE database_name = ${sqlLiteral(this.#name)}`,
    );
    return attached.length > 0;
  }

  /**
   * Reads the files that were not read yet. After an error the table is of no use any more.
   *
   * @param tell hears how many rows of how many have been read, labels among them, first of all that it is none
   */
  async add({ predictions, labels }: NarrowFiles, tell: (read: number, of: number) => void): Promise<void> {
    const { labels: knownLabels, predictions: knownRows } = this.#read;
    // Labels first: rows find theirs as they come, and few have to be changed.
    const parts = [
      ...portions(unread(labels, knownLabels)).map((files) => ({ files, isLabels: true })),
      ...portions(unread(predictions, knownRows)).map((files) => ({ files, isLabels: false })),
    ].map((part) => ({ ...part, rows: rowsOf(part.files) }));
    const of = parts.reduce((sum, { rows }) => sum + rows, 0);
    let read = 0;
    for (const { files, isLabels, rows } of parts) {
      tell(read, of);
      const paths = files.map(({ path }) => path);
      await (isLabels ? this.#addLabels(paths) : this.#addRows(files));
      for (const { id } of files) (isLabels ? knownLabels : knownRows).add(id);
      read += rows;
    }
    tell(read, of);
  }

  /** Takes the file away, whatever state it is in. */
  async drop(): Promise<void> {
    await this.#frames.query(`DETACH DATABASE IF EXISTS ${this.#name}`).catch(() => undefined);
    for (const path of [this.#path, `${this.#path}.wal`]) await rm(path, { force: true });
  }

  /** Of a prediction's labels the one with the last event time counts, among equals the one received last. */
  async #addLabels(paths: readonly string[]): Promise<void> {
    const name = this.#name;
    await this.#frames.query(`BEGIN;
      CREATE TEMP TABLE told AS SELECT prediction_id, last.label AS label, last.at_ms AS at_ms, last.seq AS seq
        FROM (SELECT prediction_id,
            arg_max(struct_pack(label := value_number, at_ms := at_ms, seq := seq), row(at_ms, seq)) AS last
          FROM (SELECT ${keyOf('prediction_id')} AS prediction_id, value_number, ${labelTimeSql} AS at_ms, seq FROM ${filesSql(paths)})
          GROUP BY prediction_id);
      DELETE FROM told USING ${name}.labels known
        WHERE told.prediction_id = known.prediction_id AND row(known.at_ms, known.seq) > row(told.at_ms, told.seq);
      DELETE FROM ${name}.labels USING told WHERE labels.prediction_id = told.prediction_id;
      INSERT INTO ${name}.labels SELECT * FROM told;
      UPDATE ${name}.rows SET label = told.label FROM told WHERE rows.prediction_id = told.prediction_id;
      COMMIT`);
  }

  /** Of rows with the same prediction id and model the one received last counts. */
  async #addRows(files: readonly NarrowFile[]): Promise<void> {
    const name = this.#name;
    const { features, sinceRouteVersion, receivedFromMs } = this.#selection;
    const paths = files.map(({ path }) => path);
    const replicas = files.map(({ replica = '' }) => sqlLiteral(replica)).join(', ');
    const replica = `map([${paths.map(sqlLiteral).join(', ')}], [${replicas}])[filename]`;
    const since = receivedFromMs === undefined ? '' : `AND received_at_ms >= ${receivedFromMs}`;
    const found = features
      .map((feature, i) => {
        const type = this.#types[i];
        return `, ${type === absent ? 'NULL' : `CAST(CAST(log.${columnOf(feature)} AS ${type}) AS VARCHAR)`} AS ${columnOf(feature)}`;
      })
      .join('');
    // What no file of these has is added, so that it can be named.
    const missing = features.map((feature) => `, NULL AS ${columnOf(feature)}`).join('');
    await this.#frames.query(`BEGIN;
      CREATE TEMP TABLE come AS SELECT * FROM (
          SELECT log.prediction_id AS id, CASE WHEN arm = 'shadow' THEN model_version ELSE '' END AS copy, received_at_ms,
            ${keyOf('log.prediction_id')} AS prediction_id,
            CASE WHEN log.entity IS NOT NULL THEN ${keyOf('log.entity')} END AS entity, ${replica} AS replica, arm,
            model_version, route_version, status, score, latency_us, event_time_ms, bucket, propensity${found}
          FROM (SELECT * FROM ${filesSql(paths, 'filename = true')} UNION ALL BY NAME SELECT NULL AS prediction_id${missing} WHERE false) log
          WHERE route_version >= ${sinceRouteVersion} ${since})
        QUALIFY row_number() OVER (PARTITION BY prediction_id, copy ORDER BY received_at_ms DESC) = 1;
      DELETE FROM ${name}.rows USING come WHERE rows.prediction_id = come.prediction_id AND rows.copy = come.copy
        AND rows.received_at_ms <= come.received_at_ms;
      INSERT INTO ${name}.rows SELECT come.*, labels.label
        FROM come LEFT JOIN ${name}.labels ON labels.prediction_id = come.prediction_id
        WHERE NOT EXISTS (SELECT 1 FROM ${name}.rows known
          WHERE known.prediction_id = come.prediction_id AND known.copy = come.copy);
      COMMIT`);
  }
}

/** A feature that no file has. */
const absent = '';

/** The types of features over all files together, in the order of the names. */
export async function typesOf(
  frames: Frames,
  files: readonly NarrowFile[],
  features: readonly string[],
): Promise<readonly string[]> {
  if (features.length === 0 || files.length === 0) return features.map(() => absent);
  const described = `DESCRIBE SELECT * FROM ${filesSql(files.map(({ path }) => path))}`;
  const columns = await typedRows(
    frames,
    z.object({ column_name: z.string(), column_type: z.string() }),
    described,
  );
  const types = new Map(columns.map((row) => [row.column_name, row.column_type]));
  return features.map((feature) => types.get(`${featurePrefix}${feature}`) ?? absent);
}

/**
 * A text as 64 bits, alike for no two of billions. DuckDB's hash alone is not so good: of ids that count up (UUIDs of
 * one machine) it gives two in a hundred thousand the same.
 */
function keyOf(text: string): string {
  return `hash(${text}, hash(reverse(${text})))`;
}

function columnOf(feature: string): string {
  return sqlName(`${featurePrefix}${feature}`);
}

function filesSql(paths: readonly string[], option?: string): string {
  const options = ['union_by_name = true', ...(option === undefined ? [] : [option])].join(', ');
  return `read_parquet([${paths.map(sqlLiteral).join(', ')}], ${options})`;
}

function unread(files: readonly NarrowFile[], known: ReadonlySet<string>): readonly NarrowFile[] {
  return files.filter(({ id }) => !known.has(id));
}

/** Files that are read together. */
function portions(files: readonly NarrowFile[]): readonly (readonly NarrowFile[])[] {
  const made: NarrowFile[][] = [];
  const atOnce = Math.min(mostRowsAtOnce, Math.max(leastRowsAtOnce, rowsOf(files) * shareAtOnce));
  let rows = Number.POSITIVE_INFINITY;
  for (const file of files) {
    const last = made.at(-1);
    if (last && rows + file.rows <= atOnce) last.push(file);
    else {
      made.push([file]);
      rows = 0;
    }
    rows += file.rows;
  }
  return made;
}

function rowsOf(files: readonly NarrowFile[]): number {
  return files.reduce((sum, { rows }) => sum + rows, 0);
}
