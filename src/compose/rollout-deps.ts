import { fail } from '../core/errors.ts';
import type { Clock } from '../core/time.ts';
import type { FeedbackService } from '../lifecycle/feedback/index.ts';
import type { RolloutDeps, RolloutLog } from '../loop/index.ts';
import { systemActor } from '../platform/access/index.ts';
import type { Frames } from '../platform/frames/index.ts';
import type { Journal } from '../platform/journal/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Watermarks } from '../platform/watermarks/index.ts';
import type { LoopSlices } from './loop-ports.ts';

/** The joined prediction log as rollouts read it. */
export function rolloutLog(feedback: FeedbackService, frames: Frames): RolloutLog {
  const all = { rows: 'all' } as const;
  return {
    rows: (endpoint, columns) => feedback.joined(systemActor, endpoint, all, columns),
    features: (endpoint) => feedback.loggedFeatures(systemActor, endpoint, all),
    query: (sql) => frames.query(sql),
  };
}

/** What rollouts go through: endpoints, the joined prediction log, and packages of registered versions. */
export function createRolloutDeps(
  parts: Pick<LoopSlices, 'db' | 'serving' | 'feedback' | 'registry'> & {
    readonly journal: Journal;
    readonly frames: Frames;
    readonly watermarks: Watermarks;
    readonly log: Logger;
    readonly clock: Clock;
  },
): RolloutDeps {
  const { db, journal, serving, feedback, registry, frames, watermarks, log: logger, clock } = parts;
  return {
    ...{ db, journal, serving, clock, logger },
    eventTimeMs: (endpoint) => watermarks.get(endpoint),
    log: rolloutLog(feedback, frames),
    packageOf: async (model, version) => {
      const { digest } = await registry.getVersion(systemActor, model, version);
      if (digest === null) throw fail('version_not_packaged', { name: model, version });
      return digest;
    },
  };
}
