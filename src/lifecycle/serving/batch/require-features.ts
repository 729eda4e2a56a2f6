import { fail } from '../../../core/errors.ts';
import type { Digest } from '../../../core/json.ts';
import { packageManifestSchema } from '../../../core/model-package.ts';
import type { BlobStore } from '../../../platform/blobs/index.ts';

/** What a window of a log has of the features that were asked. */
export interface LoggedFeatures {
  readonly logged: readonly string[];
  /** Of these, without a value in any row. */
  readonly empty: readonly string[];
  /** Hashed in some row: a model would be asked about a hash. */
  readonly hashed: readonly string[];
  /** What the endpoint has redacted now. */
  readonly redacted: readonly string[];
}

/**
 * Makes sure that a model can be asked again what is in a window of a log: without a feature that was hashed or never
 * written down it would answer something else, or nothing. Throws `logged_features_unusable`.
 */
export async function requireFeatures(
  blobs: Pick<BlobStore, 'bytes'>,
  packageDigest: Digest,
  endpoint: string,
  { logged, empty, hashed, redacted }: LoggedFeatures,
): Promise<void> {
  const manifest = packageManifestSchema.parse(
    JSON.parse((await blobs.bytes(packageDigest)).toString('utf8')),
  );
  const problems = manifest.signature.inputs.flatMap(({ name, required }) => {
    if (hashed.includes(name)) return [`"${name}" is hashed`];
    if (!logged.includes(name)) return required ? [`"${name}" is not in it`] : [];
    // Of one that has a value yet, some rows are from before it was redacted.
    return empty.includes(name) && redacted.includes(name) ? [`"${name}" is redacted`] : [];
  });
  if (problems.length > 0) throw fail('logged_features_unusable', { endpoint, problem: problems.join(', ') });
}
