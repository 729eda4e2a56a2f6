import { type Digest, digestsIn } from '../../core/json.ts';
import { type Database, everyText } from '../db/index.ts';
import type { BlobStore, StoredBlob } from './port.ts';

/** A digest that lies across two pieces of a document is in the second one with so much of the first. */
const overlap = 'sha256:'.length + 64 - 1;

export interface ReferenceOptions {
  readonly db: Database;
  readonly blobs: BlobStore;
  /** Tables whose blobs are what users stored, and name no other blobs themselves. */
  readonly leafTables: ReadonlySet<string>;
}

/**
 * The digests that anything refers to: what any text of the database mentions, and what the JSON documents among
 * those blobs mention in turn (the manifest of a package names its files). Every table is looked at, so a slice
 * need not register anything to keep its blobs; a mention in a text of a user only keeps a blob too long.
 */
export async function referencedDigests(options: ReferenceOptions): Promise<ReadonlySet<Digest>> {
  const { db, blobs, leafTables } = options;
  const found = new Set<Digest>();
  const documents = new Set<Digest>();
  for await (const { table, text } of everyText(db)) {
    for (const digest of digestsIn(text)) {
      found.add(digest);
      if (!leafTables.has(table)) documents.add(digest);
    }
  }
  // A set gives what is added to it on the way, too.
  for (const digest of documents) {
    for (const named of await digestsInDocument(blobs, digest)) {
      found.add(named);
      documents.add(named);
    }
  }
  return found;
}

/** Tables that tell of what was: a blob that only they mention is used by nobody. */
const pastTables: ReadonlySet<string> = new Set(['kept_answers', 'events', 'audit_entries']);

/**
 * Deletes those of these blobs that nothing in the database uses. What was stored since `storedBeforeMs` stays, as does what
 * a document among the blobs names: these are to be files of tables. Returns how many there are not any more.
 */
export async function deleteUnused(
  { db, blobs }: Pick<ReferenceOptions, 'db' | 'blobs'>,
  digests: readonly Digest[],
  storedBeforeMs: number,
): Promise<number> {
  const unused = new Set(digests);
  if (unused.size === 0) return 0;
  for await (const { table, text } of everyText(db))
    if (!pastTables.has(table)) for (const digest of digestsIn(text)) unused.delete(digest);
  let deleted = 0;
  for (const digest of unused) if (await blobs.delete(digest, storedBeforeMs)) deleted++;
  return deleted;
}

/**
 * Blobs that nothing refers to and that were last put before a time. Let that be hours ago: a blob is stored first,
 * and the row that refers to it written afterwards.
 */
export async function* unreferencedBlobs(
  options: ReferenceOptions,
  storedBeforeMs: number,
): AsyncIterable<StoredBlob> {
  const old: StoredBlob[] = [];
  for await (const blob of options.blobs.list()) if (blob.storedAtMs < storedBeforeMs) old.push(blob);
  const referenced = old.length > 0 ? await referencedDigests(options) : new Set();
  for (const blob of old) if (!referenced.has(blob.digest)) yield blob;
}

/** What a JSON document names, piece by piece: the manifest of a package of many files is large. Nothing of another blob. */
async function digestsInDocument(blobs: BlobStore, digest: Digest): Promise<ReadonlySet<Digest>> {
  const found = new Set<Digest>();
  if (!(await blobs.info(digest))) return found;
  let before = '';
  for await (const piece of await blobs.get(digest)) {
    const text: string = before + (piece as Buffer).toString('latin1');
    if (before === '' && !/^[{[]/.test(text)) break;
    for (const named of digestsIn(text)) found.add(named);
    before = text.slice(-overlap);
  }
  return found;
}
