import type { Digest } from '../../core/json.ts';
import type { Actor } from '../../platform/access/index.ts';
import type { EraseHook } from '../../platform/registries/index.ts';
import { LogCopies, type LogCopiesOptions } from './segments/log-copies.ts';
import type { FeedbackService } from './service.ts';

/**
 * Erases from the log, and from the files made of it, what a person has the right to have erased.
 *
 * @param copies digests of files that others have made of the log; those of uploaded labels are known here
 */
export function eraseHooks(
  feedback: Pick<FeedbackService, 'erase' | 'labels' | 'hashKeys'>,
  { blobs, frames }: Pick<LogCopiesOptions, 'blobs' | 'frames'>,
  copies: () => Promise<readonly Digest[]>,
): readonly EraseHook<Actor>[] {
  const files = new LogCopies({
    blobs,
    frames,
    hashKeys: feedback.hashKeys,
    digests: async () => [...(await copies()), ...(await feedback.labels.uploads.digests())],
  });
  return [
    files.eraseHook(),
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
  ];
}
