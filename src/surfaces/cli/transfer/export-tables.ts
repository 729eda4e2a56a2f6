/** The version of the layout of an export; a reader refuses what is newer. */
export const exportVersion = 1;
export const exportFormat = 'millrace-export';
export const manifestFile = 'manifest.json';
export const artifactsFolder = 'artifacts';

const tag = { key: 'VARCHAR', value: 'VARCHAR' } as const;
const life = { lifecycle_stage: 'VARCHAR', created_at_ms: 'BIGINT', updated_at_ms: 'BIGINT' } as const;

/**
 * The tables of an export, each one Parquet file, with DuckDB's types. Rows of runs and models lie by experiment and
 * id, so that a part of them is found without reading all.
 */
export const exportTables = {
  experiments: { id: 'VARCHAR', name: 'VARCHAR', ...life },
  experiment_tags: { experiment_id: 'VARCHAR', ...tag },
  runs: {
    id: 'VARCHAR',
    experiment_id: 'VARCHAR',
    name: 'VARCHAR',
    user_id: 'VARCHAR',
    status: 'VARCHAR',
    start_time_ms: 'BIGINT',
    end_time_ms: 'BIGINT',
    lifecycle_stage: 'VARCHAR',
    artifact_uri: 'VARCHAR',
  },
  params: { run_id: 'VARCHAR', ...tag },
  tags: { run_id: 'VARCHAR', ...tag },
  /** NaN is NaN; infinities are the largest finite numbers. */
  metrics: { run_id: 'VARCHAR', key: 'VARCHAR', step: 'BIGINT', time_ms: 'BIGINT', value: 'DOUBLE' },
  inputs: {
    run_id: 'VARCHAR',
    name: 'VARCHAR',
    digest: 'VARCHAR',
    source_type: 'VARCHAR',
    source: 'VARCHAR',
    schema: 'VARCHAR',
    profile: 'VARCHAR',
    /** JSON: a list of key and value. */
    tags: 'VARCHAR',
  },
  run_models: { run_id: 'VARCHAR', direction: 'VARCHAR', model_id: 'VARCHAR', step: 'BIGINT' },
  logged_models: {
    id: 'VARCHAR',
    experiment_id: 'VARCHAR',
    name: 'VARCHAR',
    artifact_uri: 'VARCHAR',
    model_type: 'VARCHAR',
    source_run_id: 'VARCHAR',
    status: 'VARCHAR',
    ...life,
  },
  logged_model_params: { model_id: 'VARCHAR', ...tag },
  logged_model_tags: { model_id: 'VARCHAR', ...tag },
  logged_model_metrics: {
    model_id: 'VARCHAR',
    key: 'VARCHAR',
    value: 'DOUBLE',
    step: 'BIGINT',
    time_ms: 'BIGINT',
    run_id: 'VARCHAR',
    dataset_name: 'VARCHAR',
    dataset_digest: 'VARCHAR',
  },
  artifacts: {
    kind: 'VARCHAR',
    owner_id: 'VARCHAR',
    path: 'VARCHAR',
    digest: 'VARCHAR',
    size_bytes: 'BIGINT',
  },
  registered_models: {
    name: 'VARCHAR',
    description: 'VARCHAR',
    is_prompt: 'BOOLEAN',
    last_version: 'BIGINT',
    created_at_ms: 'BIGINT',
    updated_at_ms: 'BIGINT',
  },
  registered_model_tags: { name: 'VARCHAR', ...tag },
  model_versions: {
    name: 'VARCHAR',
    version: 'BIGINT',
    status: 'VARCHAR',
    status_message: 'VARCHAR',
    stage: 'VARCHAR',
    deleted: 'BOOLEAN',
    description: 'VARCHAR',
    source: 'VARCHAR',
    storage_location: 'VARCHAR',
    run_id: 'VARCHAR',
    run_link: 'VARCHAR',
    model_id: 'VARCHAR',
    created_by: 'VARCHAR',
    created_at_ms: 'BIGINT',
    updated_at_ms: 'BIGINT',
    digest: 'VARCHAR',
    dataset_version_id: 'VARCHAR',
    dataset_digest: 'VARCHAR',
    signature: 'VARCHAR',
    evaluation_id: 'VARCHAR',
  },
  model_version_tags: { name: 'VARCHAR', version: 'BIGINT', ...tag },
  aliases: { name: 'VARCHAR', alias: 'VARCHAR', version: 'BIGINT' },
  alias_history: {
    id: 'VARCHAR',
    name: 'VARCHAR',
    alias: 'VARCHAR',
    version: 'BIGINT',
    previous_version: 'BIGINT',
    action: 'VARCHAR',
    moved_by: 'VARCHAR',
    reason: 'VARCHAR',
    moved_at_ms: 'BIGINT',
  },
} as const satisfies Record<string, Readonly<Record<string, string>>>;

export type ExportTable = keyof typeof exportTables;
export const exportTableNames = Object.keys(exportTables) as readonly ExportTable[];
type Value<T> = T extends 'BOOLEAN' ? boolean : T extends 'VARCHAR' ? string | null : number | null;

/** A row of a table; numbers of 64 bits are numbers here. */
export type ExportRow<T extends ExportTable> = {
  readonly [C in keyof (typeof exportTables)[T]]: Value<(typeof exportTables)[T][C]>;
};

/**
 * Whether a row that was read from the Parquet file of a table has its columns, each of the type that the table says;
 * null counts as a value of every column.
 */
export function isExportRow<T extends ExportTable>(
  table: T,
  row: Readonly<Record<string, unknown>>,
): row is ExportRow<T> {
  return Object.entries(exportTables[table]).every(([column, type]) => {
    const value = row[column];
    if (value === null) return true;
    return typeof value === (type === 'VARCHAR' ? 'string' : type === 'BOOLEAN' ? 'boolean' : 'number');
  });
}

/** The file of an artifact in an export, by its digest `sha256:…`. */
export function artifactFile(digest: string): string {
  const hex = digest.replace(/^sha256:/, '');
  return `${artifactsFolder}/${hex.slice(0, 2)}/${hex}`;
}
