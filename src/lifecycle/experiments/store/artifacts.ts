import type { Tx } from '../../../platform/db/index.ts';
import type { ArtifactEntry, ArtifactFile } from '../contract.ts';
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

/** A file by its whole path in our artifact store; undefined when there is none. */
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

/** Rows that are read at one go when a folder is listed. */
const pageRows = 500;

/**
 * Files and folders directly in a folder (given without trailing slash; empty for the root), with their whole paths.
 * What lies in the folders is jumped over, so the time goes by the entries, not by the files below them.
 */
export async function artifactsIn(
  tx: Tx,
  folder: string,
  limit = Number.POSITIVE_INFINITY,
): Promise<readonly ArtifactEntry[]> {
  const prefix = folder === '' ? '' : `${folder}/`;
  const entries: ArtifactEntry[] = [];
  let from = prefix;
  let passed = '';
  for (;;) {
    let query = on(tx).selectFrom('artifacts').selectAll().where('path', '>=', from);
    if (folder) query = query.where('path', '<', `${folder}0`);
    const rows = await query.orderBy('path').limit(pageRows).execute();
    for (const row of rows) {
      if (passed !== '' && row.path.startsWith(passed)) continue;
      const slash = row.path.indexOf('/', prefix.length);
      const isDirectory = slash >= 0;
      const path = isDirectory ? row.path.slice(0, slash) : row.path;
      // '0' is the character after '/': the next path that is not in the folder. U+0001 begins the next path of all.
      passed = isDirectory ? `${path}/` : '';
      from = isDirectory ? `${path}0` : `${path}\u0001`;
      const facts = isDirectory
        ? { digest: null, sizeBytes: null }
        : { digest: row.digest, sizeBytes: row.size_bytes };
      entries.push({ path, isDirectory, ...facts });
      if (entries.length >= limit) return entries;
    }
    if (rows.length < pageRows) return entries;
  }
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
