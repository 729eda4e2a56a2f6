import type { Tx } from '../../../platform/db/index.ts';
import type { ArtifactFile } from '../contract.ts';
import { on } from './tables.ts';

/** Records that the bytes of a path are in this blob; a path that exists is overwritten. */
export async function putArtifact(tx: Tx, file: ArtifactFile, nowMs: number): Promise<void> {
  const row = { digest: file.digest, size_bytes: file.sizeBytes, created_at_ms: nowMs };
  await on(tx)
    .insertInto('artifacts')
    .values({ path: file.path, ...row })
    .onConflict((c) => c.column('path').doUpdateSet(row))
    .execute();
}

export async function findArtifact(tx: Tx, path: string): Promise<ArtifactFile | undefined> {
  const row = await on(tx).selectFrom('artifacts').selectAll().where('path', '=', path).executeTakeFirst();
  return row && { path: row.path, digest: row.digest, sizeBytes: row.size_bytes };
}

/** All files under a folder (given without trailing slash; empty for the root), in path order. */
export async function artifactsUnder(tx: Tx, folder: string): Promise<readonly ArtifactFile[]> {
  let query = on(tx).selectFrom('artifacts').selectAll();
  // '0' is the character after '/', so this is the range of all paths that begin with `folder/`.
  if (folder) query = query.where('path', '>', `${folder}/`).where('path', '<', `${folder}0`);
  const rows = await query.orderBy('path').execute();
  return rows.map((row) => ({ path: row.path, digest: row.digest, sizeBytes: row.size_bytes }));
}

/** Removes a file, or a folder with all that is in it. Returns how many files went. */
export async function deleteArtifacts(tx: Tx, path: string): Promise<number> {
  const result = await on(tx)
    .deleteFrom('artifacts')
    .where((e) =>
      e.or([e('path', '=', path), e.and([e('path', '>', `${path}/`), e('path', '<', `${path}0`)])]),
    )
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}
