import { fail } from '../../../core/errors.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import { audit, type ExperimentsDeps } from '../service/context.ts';
import {
  checkKey,
  checkLength,
  invalidParameter,
  parseExperimentId,
  type Tag,
  withinLimit,
} from '../validation.ts';
import { traceReading } from './reading.ts';
import { traceKeys } from './records.ts';
import { traceById } from './shared.ts';
import {
  deleteTraceRows,
  deleteTraceTag,
  linkPrompts,
  linkRun,
  setPairs,
  traceIdsOf,
} from './store/traces.ts';
import { traceWriting } from './writing.ts';

const largestLinks = 100;
const largestTagValue = 8000;

/** Traces: executions of traced functions, with their spans. */
export function traceOperations(deps: ExperimentsDeps) {
  const { db, clock, longValues = 'cut' } = deps;

  return {
    ...traceWriting(deps),
    ...traceReading(deps),

    /** Throws `trace_unknown`, `tracking_invalid`. */
    async setTag(actor: Actor, id: string, tag: Tag): Promise<void> {
      authorize(actor, 'experiments:write');
      checkKey(tag.key, 'key');
      checkLength('key', 250, tag.key);
      if (tag.key === traceKeys.name) checkLength('Trace name', 4096, tag.value);
      const value = withinLimit('value', largestTagValue, tag.value, longValues);
      await db.write(async (tx) => {
        await traceById(tx, id);
        await setPairs(tx, 'trace_tags', id, [{ key: tag.key, value }]);
      });
    },

    /** Throws `tag_unknown`. */
    async deleteTag(actor: Actor, id: string, key: string): Promise<void> {
      authorize(actor, 'experiments:write');
      await db.write(async (tx) => {
        if (await deleteTraceTag(tx, id, key)) return;
        throw fail('tag_unknown', { problem: `No trace tag with key '${key}' for trace with ID '${id}'` });
      });
    },

    /**
     * Links traces to a run, at most 100 at once. Neither need be there: clients link a trace that is still on its
     * way. Throws `tracking_invalid`.
     */
    async linkToRun(actor: Actor, runId: string, ids: readonly string[]): Promise<void> {
      authorize(actor, 'experiments:write');
      if (ids.length === 0) return;
      if (ids.length > largestLinks) {
        throw invalidParameter(
          `Cannot link more than ${largestLinks} traces to a run in a single request. Provided ${ids.length} traces.`,
        );
      }
      await db.write((tx) => linkRun(tx, runId, [...new Set(ids)].sort()));
    },

    /** Links versions of prompts, each as `name/version`. Throws `trace_unknown`. */
    async linkPrompts(actor: Actor, id: string, prompts: readonly string[]): Promise<void> {
      authorize(actor, 'experiments:write');
      await db.write(async (tx) => {
        await traceById(tx, id);
        await linkPrompts(tx, id, prompts);
      });
    },

    /**
     * Deletes traces of an experiment for good: those named, or those that began by a time (the oldest first, at
     * most `max`). Returns how many.
     */
    async delete(
      actor: Actor,
      experimentId: string,
      which: {
        readonly ids: readonly string[];
        readonly untilMs?: number | undefined;
        readonly max?: number | undefined;
      },
    ): Promise<number> {
      authorize(actor, 'experiments:write');
      const { ids, untilMs, max } = which;
      checkDeletion(ids, untilMs, max);
      const number = parseExperimentId(experimentId);
      return db.write(async (tx) => {
        const found = await traceIdsOf(tx, number, {
          ...(ids.length > 0 ? { ids } : {}),
          ...(untilMs === undefined ? {} : { untilMs }),
          ...(max === undefined ? {} : { limit: max }),
        });
        if (found.length === 0) return 0;
        await deleteTraceRows(tx, found);
        await audit(deps, tx, {
          actor,
          action: 'trace:delete',
          kind: 'experiment',
          id: String(number),
          before: { traces: found.length, first: found[0] },
          after: { traces: 0 },
        });
        return found.length;
      });
    },

    /** The time of now, for what clients leave out. */
    nowMs: (): number => clock.nowMs(),
  };
}

function checkDeletion(ids: readonly string[], untilMs: number | undefined, max: number | undefined): void {
  if (untilMs === undefined && ids.length === 0) {
    throw invalidParameter('Either `max_timestamp_millis` or `trace_ids` must be specified.');
  }
  if (untilMs !== undefined && ids.length > 0) {
    throw invalidParameter('Only one of `max_timestamp_millis` and `trace_ids` can be specified.');
  }
  if (ids.length > 0 && max !== undefined) {
    throw invalidParameter("`max_traces` can't be specified if `trace_ids` is specified.");
  }
  if (max !== undefined && max <= 0) {
    throw invalidParameter(`\`max_traces\` must be a positive integer, received ${max}.`);
  }
}
