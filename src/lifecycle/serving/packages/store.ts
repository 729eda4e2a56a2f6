import type { Digest } from '../../../core/json.ts';
import { type Tx, tables } from '../../../platform/db/index.ts';

interface SecretRow {
  readonly digest: Digest;
  readonly sealed: string;
  readonly created_at_ms: number;
}

const on = (tx: Tx) => tables<{ remote_secrets: SecretRow }>(tx);

export async function insertRemoteSecret(tx: Tx, row: SecretRow): Promise<void> {
  await on(tx).insertInto('remote_secrets').values(row).execute();
}

/** Newest first. */
export function remoteSecrets(tx: Tx): Promise<SecretRow[]> {
  return on(tx).selectFrom('remote_secrets').selectAll().orderBy('created_at_ms', 'desc').execute();
}

export async function sealedRemoteSecret(tx: Tx, digest: Digest): Promise<string | undefined> {
  const query = on(tx).selectFrom('remote_secrets').select('sealed').where('digest', '=', digest);
  return (await query.executeTakeFirst())?.sealed;
}
