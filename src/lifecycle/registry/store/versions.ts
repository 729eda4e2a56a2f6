import { sql } from 'kysely';
import { type GateResult, gateResultSchema } from '../../../core/gate-result.ts';
import type { Digest } from '../../../core/json.ts';
import { formatTime } from '../../../core/time.ts';
import type { Tx } from '../../../platform/db/index.ts';
import { type Approval, type GateRecord, signatureSchema } from '../contract.ts';
import type { Tag, VersionRecord } from '../records.ts';
import { type ModelRow, on, type RegistryTables, type VersionRow } from './tables.ts';

/** Adds a version; its number must be new for the model, deleted ones counted. */
export async function insertVersion(tx: Tx, row: VersionRow): Promise<void> {
  await on(tx).insertInto('model_versions').values(row).execute();
}

/** A version that was not deleted. */
export async function findVersionRow(
  tx: Tx,
  registeredId: number,
  version: number,
): Promise<VersionRow | undefined> {
  return on(tx)
    .selectFrom('model_versions')
    .selectAll()
    .where('registered_id', '=', registeredId)
    .where('version', '=', version)
    .where('deleted', '=', 0)
    .executeTakeFirst();
}

/** The newest version that was made of a package, or else of a logged model and not packaged yet. */
export async function findVersionOf(
  tx: Tx,
  registeredId: number,
  of: { readonly digest: Digest; readonly modelId: string | null },
): Promise<VersionRow | undefined> {
  const rows = await on(tx)
    .selectFrom('model_versions')
    .selectAll()
    .where('registered_id', '=', registeredId)
    .where('deleted', '=', 0)
    .where((e) =>
      e.or([e('digest', '=', of.digest), ...(of.modelId ? [e('model_id', '=', of.modelId)] : [])]),
    )
    .orderBy('version', 'desc')
    .execute();
  return rows.find((row) => row.digest === of.digest) ?? rows.find((row) => row.digest === null);
}

/** Changes a version, deleted or not. */
export async function updateVersionRow(
  tx: Tx,
  key: { readonly registeredId: number; readonly version: number },
  change: Partial<Omit<VersionRow, 'registered_id' | 'version'>>,
): Promise<void> {
  await on(tx)
    .updateTable('model_versions')
    .set(change)
    .where('registered_id', '=', key.registeredId)
    .where('version', '=', key.version)
    .execute();
}

/** Moves every other version of a stage to Archived; their numbers. */
export async function archiveStage(
  tx: Tx,
  key: { readonly registeredId: number; readonly version: number },
  stage: VersionRow['stage'],
  nowMs: number,
): Promise<readonly number[]> {
  const rows = await on(tx)
    .updateTable('model_versions')
    .set({ stage: 'Archived', updated_at_ms: nowMs })
    .where('registered_id', '=', key.registeredId)
    .where('version', '!=', key.version)
    .where('stage', '=', stage)
    .where('deleted', '=', 0)
    .returning('version')
    .execute();
  return rows.map((row) => row.version).sort((a, b) => a - b);
}

/** The newest version of each stage. */
export async function latestVersionRows(
  tx: Tx,
  registeredIds: readonly number[],
): Promise<readonly VersionRow[]> {
  if (registeredIds.length === 0) return [];
  return on(tx)
    .selectFrom('model_versions as v')
    .selectAll('v')
    .where('v.registered_id', 'in', registeredIds)
    .where('v.deleted', '=', 0)
    .where((e) =>
      e.not(
        e.exists(
          e
            .selectFrom('model_versions as w')
            .select('w.version')
            .whereRef('w.registered_id', '=', 'v.registered_id')
            .whereRef('w.stage', '=', 'v.stage')
            .where('w.deleted', '=', 0)
            .whereRef('w.version', '>', 'v.version'),
        ),
      ),
    )
    .orderBy('v.version')
    .execute();
}

/** The value of a tag; null when there is none. */
export async function versionTag(
  tx: Tx,
  key: { readonly registeredId: number; readonly version: number },
  tagKey: string,
): Promise<string | null> {
  const row = await on(tx)
    .selectFrom('model_version_tags')
    .select('value')
    .where('registered_id', '=', key.registeredId)
    .where('version', '=', key.version)
    .where('key', '=', tagKey)
    .executeTakeFirst();
  return row?.value ?? null;
}

/** Sets a tag, in place of the value that it has. */
export async function setVersionTagRow(
  tx: Tx,
  key: { readonly registeredId: number; readonly version: number },
  tag: Tag,
): Promise<void> {
  await on(tx)
    .insertInto('model_version_tags')
    .values({ registered_id: key.registeredId, version: key.version, key: tag.key, value: tag.value })
    .onConflict((c) =>
      c.columns(['registered_id', 'version', 'key']).doUpdateSet({ value: sql`excluded.value` }),
    )
    .execute();
}

/** Does nothing when the version has no such tag. */
export async function deleteVersionTagRow(
  tx: Tx,
  key: { readonly registeredId: number; readonly version: number },
  tagKey: string,
): Promise<void> {
  await on(tx)
    .deleteFrom('model_version_tags')
    .where('registered_id', '=', key.registeredId)
    .where('version', '=', key.version)
    .where('key', '=', tagKey)
    .execute();
}

/** Replaces the gate results of one evaluation of a version. */
export async function replaceGates(
  tx: Tx,
  key: { readonly registeredId: number; readonly version: number },
  evaluationId: string,
  gates: readonly GateResult[],
  nowMs: number,
): Promise<void> {
  await on(tx)
    .deleteFrom('model_gate_results')
    .where('registered_id', '=', key.registeredId)
    .where('version', '=', key.version)
    .where('evaluation_id', '=', evaluationId)
    .execute();
  if (gates.length === 0) return;
  await on(tx)
    .insertInto('model_gate_results')
    .values(
      gates.map((gate, position) => ({
        registered_id: key.registeredId,
        version: key.version,
        evaluation_id: evaluationId,
        position,
        result: JSON.stringify(gate),
        recorded_at_ms: nowMs,
      })),
    )
    .execute();
}

/** Adds an answer of a person; earlier ones stay. */
export async function insertApproval(tx: Tx, row: RegistryTables['model_approvals']): Promise<void> {
  await on(tx).insertInto('model_approvals').values(row).execute();
}

/** Whole versions, in the order of the rows. `models` holds the registered models of all of them. */
export async function hydrateVersions(
  tx: Tx,
  models: readonly ModelRow[],
  rows: readonly VersionRow[],
): Promise<readonly VersionRecord[]> {
  if (rows.length === 0) return [];
  const ids = [...new Set(rows.map((row) => row.registered_id))];
  const names = new Map(models.map((model) => [model.id, model.name]));
  const tags = await on(tx)
    .selectFrom('model_version_tags')
    .selectAll()
    .where('registered_id', 'in', ids)
    .execute();
  const aliases = await on(tx)
    .selectFrom('model_aliases')
    .selectAll()
    .where('registered_id', 'in', ids)
    .execute();
  const gates = await on(tx)
    .selectFrom('model_gate_results')
    .selectAll()
    .where('registered_id', 'in', ids)
    .execute();
  const approvals = await on(tx)
    .selectFrom('model_approvals')
    .selectAll()
    .where('registered_id', 'in', ids)
    .execute();
  return rows.map((row) => {
    const own = (other: { readonly registered_id: number; readonly version: number }): boolean =>
      other.registered_id === row.registered_id && other.version === row.version;
    return {
      name: names.get(row.registered_id) ?? '',
      version: row.version,
      status: row.status,
      statusMessage: row.status_message,
      stage: row.stage,
      description: row.description,
      isUndescribed: row.undescribed === 1,
      source: row.source,
      storageLocation: row.storage_location,
      // Versions of models that were logged outside a run had an empty text.
      sourceRunId: row.run_id || null,
      runLink: row.run_link,
      modelId: row.model_id,
      digest: row.digest,
      datasetVersionId: row.dataset_version_id,
      datasetDigest: row.dataset_digest,
      signature: row.signature === null ? null : signatureSchema.parse(JSON.parse(row.signature)),
      evaluationId: row.evaluation_id,
      aliases: aliases
        .filter(own)
        .map((a) => a.alias)
        .sort(),
      tags: tags
        .filter(own)
        .map(({ key, value }) => ({ key, value }))
        .sort((a, b) => (a.key < b.key ? -1 : 1)),
      gates: gates
        .filter((g) => own(g) && g.evaluation_id === (row.evaluation_id ?? ''))
        .sort((a, b) => a.position - b.position)
        .map(toGate),
      approvals: approvals
        .filter(own)
        .sort((a, b) => (a.id < b.id ? -1 : 1))
        .map(toApproval),
      createdBy: row.created_by,
      createdAtMs: row.created_at_ms,
      updatedAtMs: row.updated_at_ms,
    };
  });
}

function toGate(row: RegistryTables['model_gate_results']): GateRecord {
  const result = gateResultSchema.parse(JSON.parse(row.result));
  return { ...result, evaluationId: row.evaluation_id || null, recordedAt: formatTime(row.recorded_at_ms) };
}

function toApproval(row: RegistryTables['model_approvals']): Approval {
  const { id, decision, decided_by: by, reason } = row;
  return { id, decision, by, reason, decidedAt: formatTime(row.decided_at_ms) };
}
