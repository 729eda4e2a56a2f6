import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { MillraceError } from '../../../core/errors.ts';
import type { Digest } from '../../../core/json.ts';
import { digestSchema } from '../../../core/model-types.ts';
import type { DirectoryBlobStore } from '../../../platform/blobs/index.ts';
import type { Database } from '../../../platform/db/index.ts';
import { type Frames, framesReason, sqlLiteral } from '../../../platform/frames/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import type { LabelSegment } from '../contract.ts';
import type { AsideSegment, FeedbackStore, SegmentFamily } from '../store.ts';

interface SetAsideOptions {
  readonly db: Database;
  readonly store: FeedbackStore;
  readonly blobs: DirectoryBlobStore;
  readonly frames: Pick<Frames, 'query'>;
  readonly log: Logger;
  /** Hears of all that are set aside, after each change; the same again changes nothing. */
  readonly tell: (segments: readonly AsideSegment[]) => Promise<void>;
}

type Examined = Pick<LabelSegment, 'id' | 'digest'>;

/** Errors of a machine that can open no more files: they say nothing of the file. */
const ofTheMachine: ReadonlySet<unknown> = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);
/** What the frame engine says where it failed itself. */
const ofTheEngine = /out of memory|its process/i;

/**
 * Segments whose files are gone or damaged at control: set aside, so that everything else goes on without their rows,
 * and put back when their files can be read again, as from a backup.
 */
export class SetAside {
  readonly #options: SetAsideOptions;
  readonly #suspects = new Set<Digest>();

  constructor(options: SetAsideOptions) {
    this.#options = options;
  }

  /** The blob store for readers: a file that they miss is looked after. */
  watched(): DirectoryBlobStore {
    const { blobs } = this.#options;
    const path = (digest: Digest): Promise<string> =>
      blobs.path(digest).catch((error: unknown) => {
        if (isMissing(error)) this.#suspects.add(digest);
        throw error;
      });
    return new Proxy(blobs, {
      get: (target, name) => {
        if (name === 'path') return path;
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
  }

  /** Looks after the file that a failed query names. */
  suspect(reason: string): void {
    const [, folder, file] = /\b([0-9a-f]{2})\/([0-9a-f]{62})\b/.exec(reason) ?? [];
    const digest = digestSchema.safeParse(`sha256:${folder}${file}`);
    if (digest.success) this.#suspects.add(digest.data);
  }

  /** Sets aside what readers failed on, and puts back what can be read again. */
  async review(again: boolean): Promise<void> {
    const { store, db } = this.#options;
    for (const digest of this.#suspects) {
      for (const family of ['prediction', 'label'] as const)
        await this.examine(family, await store.withDigest(family, digest));
      this.#suspects.delete(digest);
    }
    if (!again) return;
    for (const { family, id, digest } of await store.aside()) {
      if ((await this.#problemOf({ id, digest })) === null)
        await db.write((tx) => store.setAside(tx, family, id, null));
    }
    await this.#tell();
  }

  /** Sets aside those of these segments that cannot be read; their ids. */
  async examine(family: SegmentFamily, segments: readonly Examined[]): Promise<ReadonlySet<string>> {
    const { store, db, log } = this.#options;
    const found = new Set<string>();
    for (const segment of segments) {
      const problem = await this.#problemOf(segment);
      if (problem === null) continue;
      await db.write((tx) => store.setAside(tx, family, segment.id, problem));
      log.error({ segment: segment.id, digest: segment.digest, problem }, 'a segment of a log is set aside');
      found.add(segment.id);
    }
    if (found.size > 0) await this.#tell();
    return found;
  }

  /** Does something with a segment; undefined where its file cannot be read, and the segment is aside now. */
  async reading<T>(family: SegmentFamily, segment: Examined, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if ((await this.examine(family, [segment])).size > 0) return undefined;
      throw error;
    }
  }

  /** How many of an endpoint's, of all where it is null. */
  async count(endpoint: string | null): Promise<number> {
    const aside = await this.#options.store.aside();
    return aside.filter((segment) => endpoint === null || segment.endpoint === endpoint).length;
  }

  async #tell(): Promise<void> {
    await this.#options.tell(await this.#options.store.aside());
  }

  /** What is wrong with a segment's file; null: nothing is. Throws what is no fault of the file. */
  async #problemOf({ digest }: Examined): Promise<string | null> {
    const { blobs, frames } = this.#options;
    let path: string;
    try {
      path = await blobs.path(digest);
    } catch (error) {
      if (isMissing(error)) return 'its file is missing';
      throw error;
    }
    const hash = createHash('sha256');
    try {
      for await (const bytes of createReadStream(path)) hash.update(bytes as Buffer);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (ofTheMachine.has(code)) throw error;
      return code === 'ENOENT' ? 'its file is missing' : `its file cannot be read: ${message}`;
    }
    if (`sha256:${hash.digest('hex')}` !== digest)
      return 'its file is damaged: it has other bytes than it was given';
    try {
      await frames.query(`SELECT bit_xor(hash(r)) FROM read_parquet(${sqlLiteral(path)}) r`);
    } catch (error) {
      if (!(error instanceof MillraceError && error.code === 'frames_failed')) throw error;
      const reason = framesReason(error);
      if (ofTheEngine.test(reason)) throw error;
      await frames.query('SELECT 1');
      return `its file is not Parquet that can be read: ${reason}`;
    }
    return null;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof MillraceError && error.code === 'blob_missing';
}
