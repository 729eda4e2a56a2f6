import type { Clock } from '../core/time.ts';
import type { FeedbackService } from '../lifecycle/feedback/index.ts';
import { CHAMPION, type Registry } from '../lifecycle/registry/index.ts';
import {
  ClockSteps,
  machineBoot,
  machineMs,
  type RolloutDeps,
  type RolloutLog,
  RolloutWatch,
} from '../loop/index.ts';
import { systemActor } from '../platform/access/index.ts';
import type { Frames } from '../platform/frames/index.ts';
import type { Journal } from '../platform/journal/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { Watermarks } from '../platform/watermarks/index.ts';
import { signatureOf } from './deployment-ports.ts';
import type { LoopSlices } from './loop-slices.ts';
import { packagedVersion } from './packaged-version.ts';

/** The joined prediction log as rollouts read it. */
export function rolloutLog(feedback: FeedbackService, frames: Frames): RolloutLog {
  return {
    read: (endpoint, selection, work) => feedback.readNarrow(systemActor, endpoint, selection, work),
    features: (endpoint) => feedback.loggedFeatures(systemActor, endpoint, { rows: 'all' }),
    query: (sql) => frames.query(sql),
  };
}

/** What rollouts go through: endpoints, the joined prediction log, and packages of registered versions. */
export function createRolloutDeps(
  parts: Pick<LoopSlices, 'db' | 'blobs' | 'serving' | 'feedback' | 'registry' | 'monitoring' | 'frames'> & {
    readonly journal: Journal;
    readonly watermarks: Watermarks;
    readonly log: Logger;
    readonly clock: Clock;
  },
): RolloutDeps {
  const { db, blobs, journal, serving, feedback, registry, monitoring, frames } = parts;
  const { watermarks, log: logger, clock } = parts;
  return {
    db,
    journal,
    serving,
    clock,
    logger,
    watermarks,
    clockSteps: new ClockSteps(clock, machineMs, machineBoot()),
    monitoring,
    aliases: rolloutAliases(registry),
    log: rolloutLog(feedback, frames),
    watch: new RolloutWatch(
      {
        listen: (listener) => feedback.arrivals.listen(listener),
        follow: (endpoints) => serving.followRows(endpoints),
        files: (endpoint) => feedback.logFiles(systemActor, endpoint),
        columns: (sql) => frames.columns(sql),
      },
      logger,
    ),
    featuresOf: async (digest) => (await signatureOf(blobs, digest)).inputs.map(({ name }) => name),
    packageOf: async (model, version) => (await packagedVersion(registry, model, version)).digest,
  };
}

/** Aliases by the registry's own rules: a champion is promoted, with its gates and approvals, and rolled back. */
export function rolloutAliases(registry: Registry): RolloutDeps['aliases'] {
  const pointsAt = async (model: string, alias: string): Promise<number | null> => {
    const { aliases } = await registry.getModel(systemActor, model);
    return aliases.find((a) => a.alias === alias)?.version ?? null;
  };
  return {
    pointsAt,
    async move(actor, { model, alias, version, reason }) {
      if (alias === CHAMPION) await registry.promote(actor, model, { version, reason });
      else if ((await pointsAt(model, alias)) !== version)
        await registry.setAlias(actor, { name: model, alias, version, reason });
    },
    async giveBack(actor, { model, alias, version, to, reason }) {
      if (to === version || (await pointsAt(model, alias)) !== version) return;
      const { previousChampion } = await registry.getModel(systemActor, model);
      if (to === null) await registry.clearAlias(actor, { name: model, alias, reason });
      // It may have been moved away and back: then the registry would go back to another one.
      else if (alias === CHAMPION && previousChampion === to)
        await registry.rollback(actor, model, { reason });
      else await registry.setAlias(actor, { name: model, alias, version: to, reason });
    },
  };
}
