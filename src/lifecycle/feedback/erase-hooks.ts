import type { Digest } from '../../core/json.ts';
import type { Actor } from '../../platform/access/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { EraseHook } from '../../platform/registries/index.ts';
import { LogCopies, type LogCopiesOptions } from './segments/log-copies.ts';
import type { FeedbackService } from './service.ts';

/** What others have of the log. */
interface OthersCopies {
  /** Digests of files that they have made of it. */
  readonly digests: () => Promise<readonly Digest[]>;
  /** See `LogCopies`. */
  readonly deleting?: LogCopiesOptions['deleting'];
}

/**
 * Erases from the log, and from the files made of it, what a person has the right to have erased.
 * Windows and uploaded labels are known here.
 */
export function eraseHooks(
  feedback: Pick<FeedbackService, 'erase' | 'labels' | 'hashKeys' | 'windows'>,
  { blobs, frames, db }: Pick<LogCopiesOptions, 'blobs' | 'frames'> & { readonly db: Database },
  others: OthersCopies,
): readonly EraseHook<Actor>[] {
  const files = new LogCopies({
    blobs,
    frames,
    hashKeys: feedback.hashKeys,
    deleting: async (digest) => {
      await others.deleting?.(digest);
      await db.scrub();
    },
    digests: async () => {
      // One that is being written began to read before the log was without the entity: its step has it written anew.
      await feedback.windows.abandon();
      const windows = await feedback.windows.digests();
      return [...windows, ...(await others.digests()), ...(await feedback.labels.uploads.digests())];
    },
  });
  return [
    {
      name: 'prediction log',
      erase: async (actor, request) => {
        const { predictions, labels, waitingLabels, unreadableSegments } = await feedback.erase(
          actor,
          request,
        );
        return {
          predictions,
          labels,
          waitingLabels,
          ...(unreadableSegments > 0 ? { unreadableSegments } : {}),
        };
      },
    },
    // Behind the log: nothing is made of it any more that has the entity.
    files.eraseHook(),
  ];
}
