import { fail } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import { isDigest } from '../../../core/json.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { DirectTransfer, UploadedPart } from '../../../platform/blobs/index.ts';
import { safeArtifactPath } from '../artifact-path.ts';
import { findArtifact, putArtifact } from '../store/artifacts.ts';
import { deleteUpload, findUpload, insertUpload, setUploadDigest, uploadsBefore } from '../store/uploads.ts';
import { invalidParameter } from '../validation.ts';
import type { ExperimentsDeps } from './context.ts';

/** S3 takes no more parts. */
const mostParts = 10_000;
/** Whoever has not completed an upload by then has given up. */
const forgottenAfterMs = 7 * 86_400_000;

/**
 * Artifacts of our own store that clients send and fetch past the server, where the blob store has a way (S3).
 * An upload is an artifact only when it is completed: then its bytes are read once, for the digest.
 */
export function uploadOperations(deps: ExperimentsDeps) {
  const { db, blobs, clock } = deps;
  const completing = new Map<string, Promise<void>>();

  const direct = (what: string): DirectTransfer => {
    if (!blobs.direct) throw fail('presigned_unsupported', { what });
    return blobs.direct;
  };

  const abortForgotten = async (): Promise<void> => {
    for (const { id, storeUpload, digest } of await uploadsBefore(
      db.read,
      clock.nowMs() - forgottenAfterMs,
    )) {
      if (digest === null) await direct('Multipart upload').abortUpload(storeUpload);
      await db.write((tx) => deleteUpload(tx, id));
    }
  };

  const complete = async (id: string, path: string, parts: readonly UploadedPart[]): Promise<void> => {
    const store = direct('Multipart upload');
    const upload = await findUpload(db.read, id);
    if (!upload || upload.path !== path) {
      throw fail('upload_invalid', { problem: `there is no upload "${id}" to "${path}"` });
    }
    // Asked again because the answer was lost.
    if (upload.digest !== null) return;
    const { digest, sizeBytes } = await store.completeUpload(upload.storeUpload, parts);
    await db.write(async (tx) => {
      await putArtifact(tx, { path, digest, sizeBytes }, clock.nowMs());
      await setUploadDigest(tx, id, digest);
    });
  };

  return {
    /** True when clients can go past this server. */
    possible: blobs.direct !== undefined,

    /**
     * Begins an upload in parts: its id, and the URL for each part. Throws `presigned_unsupported`,
     * `tracking_invalid`.
     */
    async begin(actor: Actor, path: string, parts: number) {
      authorize(actor, 'experiments:write');
      const store = direct('Multipart upload');
      const safe = safeArtifactPath(path);
      if (safe === '') throw invalidParameter('Invalid path');
      if (parts < 1 || parts > mostParts) {
        throw invalidParameter(
          `Invalid value ${parts} for parameter 'num_parts': it must be 1 to ${mostParts}`,
        );
      }
      await abortForgotten();
      const id = uuidv7();
      const storeUpload = await store.beginUpload();
      await db.write((tx) => insertUpload(tx, { id, path: safe, storeUpload, digest: null }, clock.nowMs()));
      return { id, urls: await store.partUrls(storeUpload, parts) };
    },

    /**
     * Makes an artifact of an upload. May be asked again, also while it goes on: a large one takes longer than
     * clients wait. Throws `upload_invalid`.
     */
    async complete(actor: Actor, path: string, id: string, parts: readonly UploadedPart[]): Promise<void> {
      authorize(actor, 'experiments:write');
      const running = completing.get(id) ?? complete(id, safeArtifactPath(path), parts);
      completing.set(id, running);
      try {
        await running;
      } finally {
        completing.delete(id);
      }
    },

    /** Forgets an upload and its parts. What is completed stays. */
    async abort(actor: Actor, path: string, id: string): Promise<void> {
      authorize(actor, 'experiments:write');
      const store = direct('Multipart upload');
      const upload = await findUpload(db.read, id);
      if (!upload || upload.path !== safeArtifactPath(path) || upload.digest !== null) return;
      await store.abortUpload(upload.storeUpload);
      await db.write((tx) => deleteUpload(tx, id));
    },

    /** A URL that gives an artifact of our own store, for a time. Throws `artifact_unknown`, `presigned_unsupported`. */
    async downloadUrl(actor: Actor, path: string, expiresInS: number) {
      authorize(actor, 'read');
      const store = direct('Multipart download');
      const file = await findArtifact(db.read, safeArtifactPath(path));
      if (!file) throw fail('artifact_unknown', { path });
      if (!isDigest(file.digest)) throw fail('blob_missing', { digest: file.digest });
      const name = file.path.slice(file.path.lastIndexOf('/') + 1);
      const url = await store.downloadUrl(file.digest, name, expiresInS);
      return { url, sizeBytes: file.sizeBytes };
    },
  };
}
