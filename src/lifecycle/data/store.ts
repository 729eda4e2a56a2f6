import type { Digest } from '../../core/json.ts';
import { formatTime } from '../../core/time.ts';
import { type Database, type Tx, tables } from '../../platform/db/index.ts';
import {
  type DatasetFormat,
  type DatasetVersion,
  type DatasetVersionSummary,
  datasetVersionSchema,
} from './contract.ts';

interface DataTables {
  dataset_versions: DatasetVersionRow;
}

interface DatasetVersionRow {
  id: string;
  dataset: string;
  version: number;
  content_key: string;
  digest: Digest;
  size_bytes: number;
  source_digest: Digest;
  source: string;
  format: DatasetFormat;
  row_count: number;
  columns_json: string;
  time_column: string | null;
  entity_column: string | null;
  label_column: string | null;
  min_time_ms: number | null;
  max_time_ms: number | null;
  profile_json: string;
  contract_json: string;
  sample_json: string;
  registered_at_ms: number;
  registered_by: string;
}

const summaryColumns = [
  'id',
  'dataset',
  'version',
  'digest',
  'size_bytes',
  'source_digest',
  'source',
  'format',
  'row_count',
  'columns_json',
  'time_column',
  'entity_column',
  'label_column',
  'min_time_ms',
  'max_time_ms',
  'registered_at_ms',
  'registered_by',
] as const;

/** The schemas of what a row holds as JSON. */
const stored = datasetVersionSchema.shape;

type SummaryRow = Pick<DatasetVersionRow, (typeof summaryColumns)[number]>;

/** The only reader and writer of `dataset_versions`. */
export class DataStore {
  readonly #read: Tx;

  constructor(db: Database) {
    this.#read = db.read;
  }

  async byContent(dataset: string, contentKey: string): Promise<DatasetVersion | undefined> {
    const row = await tables<DataTables>(this.#read)
      .selectFrom('dataset_versions')
      .selectAll()
      .where('dataset', '=', dataset)
      .where('content_key', '=', contentKey)
      .executeTakeFirst();
    return row && toVersion(row);
  }

  async byId(id: string): Promise<DatasetVersion | undefined> {
    const row = await tables<DataTables>(this.#read)
      .selectFrom('dataset_versions')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    return row && toVersion(row);
  }

  /** The number that the next version of a dataset gets. */
  async nextVersion(tx: Tx, dataset: string): Promise<number> {
    const row = await tables<DataTables>(tx)
      .selectFrom('dataset_versions')
      .select((e) => e.fn.max('version').as('version'))
      .where('dataset', '=', dataset)
      .executeTakeFirst();
    return (row?.version ?? 0) + 1;
  }

  /** Adds a version unless its content is there already; says whether it was added. */
  async insert(tx: Tx, contentKey: string, version: DatasetVersion): Promise<boolean> {
    const rows = await tables<DataTables>(tx)
      .insertInto('dataset_versions')
      .values(toRow(contentKey, version))
      .onConflict((c) => c.columns(['dataset', 'content_key']).doNothing())
      .returning('id')
      .execute();
    return rows.length > 0;
  }

  /** Versions, newest first; `afterId` continues behind one (ids sort by time). */
  async versions(
    dataset: string | undefined,
    limit: number,
    afterId?: string,
  ): Promise<readonly DatasetVersionSummary[]> {
    let query = tables<DataTables>(this.#read).selectFrom('dataset_versions').select(summaryColumns);
    if (dataset) query = query.where('dataset', '=', dataset);
    if (afterId) query = query.where('id', '<', afterId);
    return (await query.orderBy('id', 'desc').limit(limit).execute()).map(toSummary);
  }

  /** Each dataset by name with its newest version. */
  async datasets(
    limit: number,
    afterName = '',
  ): Promise<
    readonly { readonly name: string; readonly versions: number; readonly latest: DatasetVersionSummary }[]
  > {
    const db = tables<DataTables>(this.#read);
    const names = await db
      .selectFrom('dataset_versions')
      .select([
        'dataset',
        (e) => e.fn.max('version').as('latest'),
        (e) => e.fn.countAll<number>().as('versions'),
      ])
      .where('dataset', '>', afterName)
      .groupBy('dataset')
      .orderBy('dataset')
      .limit(limit)
      .execute();
    return Promise.all(
      names.map(async ({ dataset, latest, versions }) => {
        const row = await db
          .selectFrom('dataset_versions')
          .select(summaryColumns)
          .where('dataset', '=', dataset)
          .where('version', '=', latest)
          .executeTakeFirstOrThrow();
        return { name: dataset, versions, latest: toSummary(row) };
      }),
    );
  }
}

function toRow(contentKey: string, version: DatasetVersion): DatasetVersionRow {
  return {
    id: version.id,
    dataset: version.dataset,
    version: version.version,
    content_key: contentKey,
    digest: version.digest,
    size_bytes: version.sizeBytes,
    source_digest: version.sourceDigest,
    source: version.source,
    format: version.format,
    row_count: version.rows,
    columns_json: JSON.stringify(version.columns),
    time_column: version.time,
    entity_column: version.entity,
    label_column: version.label,
    min_time_ms: version.timeRange ? Date.parse(version.timeRange.min) : null,
    max_time_ms: version.timeRange ? Date.parse(version.timeRange.max) : null,
    profile_json: JSON.stringify(version.profile),
    contract_json: JSON.stringify(version.contract),
    sample_json: JSON.stringify(version.sample),
    registered_at_ms: Date.parse(version.registeredAt),
    registered_by: version.registeredBy,
  };
}

function toSummary(row: SummaryRow): DatasetVersionSummary {
  return {
    id: row.id,
    dataset: row.dataset,
    version: row.version,
    digest: row.digest,
    sizeBytes: row.size_bytes,
    sourceDigest: row.source_digest,
    source: row.source,
    format: row.format,
    rows: row.row_count,
    columns: stored.columns.parse(JSON.parse(row.columns_json)),
    time: row.time_column,
    entity: row.entity_column,
    label: row.label_column,
    timeRange:
      row.min_time_ms === null || row.max_time_ms === null
        ? null
        : { min: formatTime(row.min_time_ms), max: formatTime(row.max_time_ms) },
    registeredAt: formatTime(row.registered_at_ms),
    registeredBy: row.registered_by,
  };
}

function toVersion(row: DatasetVersionRow): DatasetVersion {
  return {
    ...toSummary(row),
    profile: stored.profile.parse(JSON.parse(row.profile_json)),
    contract: stored.contract.parse(JSON.parse(row.contract_json)),
    sample: stored.sample.parse(JSON.parse(row.sample_json)),
  };
}
