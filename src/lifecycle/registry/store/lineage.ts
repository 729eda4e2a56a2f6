import type { Digest } from '../../../core/json.ts';
import type { Tx } from '../../../platform/db/index.ts';
import type { VersionRecord } from '../records.ts';
import { REFIT_TAG } from '../refit.ts';
import { findModelRow, modelRowsById } from './models.ts';
import { on } from './tables.ts';
import { hydrateVersions } from './versions.ts';

/** What a version may have come from; any one is enough. */
interface VersionOrigin {
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

/** Of each package the version that was registered first; none for a package without one. */
export async function firstOfPackages(tx: Tx, digests: readonly Digest[]): Promise<readonly VersionRecord[]> {
  if (digests.length === 0) return [];
  const rows = await on(tx)
    .selectFrom('model_versions')
    .selectAll()
    .where('deleted', '=', 0)
    .where('digest', 'in', digests)
    .orderBy('created_at_ms')
    .orderBy('registered_id')
    .orderBy('version')
    .execute();
  const firsts = digests.flatMap((digest) => rows.find((row) => row.digest === digest) ?? []);
  const models = await modelRowsById(tx, [...new Set(firsts.map((row) => row.registered_id))]);
  return hydrateVersions(tx, models, firsts);
}

/** Versions of the same model that were trained once more after this one was judged; at most one for each turn. */
export async function refittedFrom(
  tx: Tx,
  judged: Pick<VersionRecord, 'name' | 'version'>,
): Promise<readonly VersionRecord[]> {
  const model = await findModelRow(tx, judged.name);
  if (!model) return [];
  const rows = await on(tx)
    .selectFrom('model_versions as v')
    .innerJoin('model_version_tags as t', (join) =>
      join.onRef('t.registered_id', '=', 'v.registered_id').onRef('t.version', '=', 'v.version'),
    )
    .selectAll('v')
    .where('v.registered_id', '=', model.id)
    .where('v.deleted', '=', 0)
    .where('t.key', '=', REFIT_TAG)
    .where('t.value', '=', String(judged.version))
    .orderBy('v.version')
    .execute();
  return hydrateVersions(tx, [model], rows);
}
