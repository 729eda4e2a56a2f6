import type { Digest } from '../../../core/json.ts';
import type { Tx } from '../../../platform/db/index.ts';
import { on } from './tables.ts';

/** An upload in parts that a client makes past the server. */
interface UploadRecord {
  readonly id: string;
  readonly path: string;
  /** What the blob store calls it. */
  readonly storeUpload: string;
  /** Null until it is completed. */
  readonly digest: Digest | null;
}

export async function insertUpload(tx: Tx, upload: UploadRecord, nowMs: number): Promise<void> {
  const { id, path, storeUpload, digest } = upload;
  await on(tx)
    .insertInto('artifact_uploads')
    .values({ id, path, store_upload: storeUpload, digest, created_at_ms: nowMs })
    .execute();
}

export async function findUpload(tx: Tx, id: string): Promise<UploadRecord | undefined> {
  const row = await on(tx).selectFrom('artifact_uploads').selectAll().where('id', '=', id).executeTakeFirst();
  return row && recordOf(row);
}

/** Notes what a completed upload holds: from then on, completing it again gives the same answer. */
export async function setUploadDigest(tx: Tx, id: string, digest: Digest): Promise<void> {
  await on(tx).updateTable('artifact_uploads').set({ digest }).where('id', '=', id).execute();
}

/** Forgets an upload; one that is not there is no error. Its parts in the blob store are the caller’s. */
export async function deleteUpload(tx: Tx, id: string): Promise<void> {
  await on(tx).deleteFrom('artifact_uploads').where('id', '=', id).execute();
}

/** Uploads begun before a time, completed or not, for who clears up. */
export async function uploadsBefore(tx: Tx, createdBeforeMs: number): Promise<readonly UploadRecord[]> {
  const rows = await on(tx)
    .selectFrom('artifact_uploads')
    .selectAll()
    .where('created_at_ms', '<', createdBeforeMs)
    .execute();
  return rows.map(recordOf);
}

function recordOf(row: {
  readonly id: string;
  readonly path: string;
  readonly store_upload: string;
  readonly digest: Digest | null;
}): UploadRecord {
  return { id: row.id, path: row.path, storeUpload: row.store_upload, digest: row.digest };
}
