import { fail } from '../../core/errors.ts';
import { type Digest, isDigest } from '../../core/json.ts';

/** Where a blob lies below the root of its store, in a directory and in S3 alike. Throws `invalid_input`. */
export function blobKey(digest: Digest): string {
  if (!isDigest(digest))
    throw fail('invalid_input', { field: 'digest', problem: `"${digest}" is not a digest` });
  return `${digest.slice(7, 9)}/${digest.slice(9)}`;
}

/** The blob that lies at a key; undefined when the key is none of a blob. */
export function digestOfKey(key: string): Digest | undefined {
  const digest = `sha256:${key.replace('/', '')}`;
  return /^[0-9a-f]{2}\//.test(key) && isDigest(digest) ? digest : undefined;
}
