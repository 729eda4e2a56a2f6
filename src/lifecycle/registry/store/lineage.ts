import type { Tx } from '../../../platform/db/index.ts';
import type { VersionRecord } from '../records.ts';
import { modelRowsById } from './models.ts';
import { on } from './tables.ts';
import { hydrateVersions } from './versions.ts';

/** What a version may have come from; any one is enough. */
export interface VersionOrigin {
  readonly sources?: readonly string[];
  readonly runIds?: readonly string[];
  readonly datasetId?: string | undefined;
  readonly datasetDigest?: string;
}

/** Versions that came from something, newest first; deleted ones have no origin any more. */
export async function versionsFrom(
  tx: Tx,
  origin: VersionOrigin,
  limit: number,
): Promise<readonly VersionRecord[]> {
  const { sources = [], runIds = [], datasetId, datasetDigest } = origin;
  const rows = await on(tx)
    .selectFrom('model_versions')
    .selectAll()
    .where('deleted', '=', 0)
    .where((e) =>
      e.or([
        ...(sources.length === 0 ? [] : [e('source', 'in', sources)]),
        ...(runIds.length === 0 ? [] : [e('run_id', 'in', runIds)]),
        ...(datasetId === undefined ? [] : [e('dataset_version_id', '=', datasetId)]),
        ...(datasetDigest === undefined ? [] : [e('dataset_digest', '=', datasetDigest)]),
      ]),
    )
    .orderBy('created_at_ms', 'desc')
    .orderBy('registered_id')
    .orderBy('version', 'desc')
    .limit(limit)
    .execute();
  const models = await modelRowsById(tx, [...new Set(rows.map((row) => row.registered_id))]);
  return hydrateVersions(tx, models, rows);
}
