import { setTimeout as sleep } from 'node:timers/promises';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import { cutPage, readPageToken } from '../../../platform/search/index.ts';
import type { Page } from '../records.ts';
import type { ExperimentsDeps } from '../service/context.ts';
import { parseExperimentId } from '../validation.ts';
import { spansOfArtifact } from './artifact-spans.ts';
import { parseTraceFilter, parseTraceOrder } from './filter.ts';
import type { TraceRecord } from './records.ts';
import {
  isComplete,
  loadTrace,
  loadTraces,
  spansAreHere,
  type TraceQuery,
  type TraceWithSpans,
  traceUnknown,
} from './shared.ts';
import { searchTraceRows, traceSortColumns } from './store/search.ts';
import { spansOfTraces } from './store/spans.ts';
import { hydrateTraces } from './store/traces.ts';

/** How long a reader waits for spans that are on their way: their client sends them beside the trace. */
const spanWaitsMs = [0, 1000, 2000];

/** Finding traces and reading their spans. */
export function traceReading(deps: ExperimentsDeps) {
  const { db } = deps;

  const withSpans = async (traces: readonly TraceRecord[]): Promise<readonly TraceWithSpans[]> => {
    const ids = traces.map((trace) => trace.id);
    const spans = await spansOfTraces(db.read, ids);
    return traces.map((trace) => ({ trace, spans: spans.get(trace.id) ?? [] }));
  };

  return {
    /** A trace without spans. Throws `trace_unknown`. */
    async info(actor: Actor, id: string): Promise<TraceRecord> {
      authorize(actor, 'read');
      return loadTrace(db.read, id);
    },

    /** Traces by id, in this order; unknown ones, and those outside the experiments, are left out. */
    async infos(
      actor: Actor,
      ids: readonly string[],
      experimentIds: readonly string[] | null = null,
    ): Promise<readonly TraceRecord[]> {
      authorize(actor, 'read');
      return loadTraces(db.read, ids, experimentIds);
    },

    /** Traces with the spans that are here, complete or not. */
    async many(
      actor: Actor,
      ids: readonly string[],
      experimentIds: readonly string[] | null = null,
    ): Promise<readonly TraceWithSpans[]> {
      authorize(actor, 'read');
      return withSpans(await loadTraces(db.read, ids, experimentIds));
    },

    /**
     * A trace with its spans. Unless part of them is enough, waits a moment for those that are on their way.
     * Throws `trace_unknown`, also when they do not come.
     */
    async get(actor: Actor, id: string, options: { readonly partial: boolean }): Promise<TraceWithSpans> {
      authorize(actor, 'read');
      for (const waitMs of options.partial ? [0] : spanWaitsMs) {
        if (waitMs > 0) await sleep(waitMs);
        const [found] = await withSpans(await loadTraces(db.read, [id]));
        if (!found) throw traceUnknown(`Trace with ID ${id} is not found.`);
        if (options.partial || !spansAreHere(found.trace) || isComplete(found)) return found;
      }
      throw traceUnknown(`Trace with ID ${id} is not fully exported yet, please try again later.`);
    },

    /** Traces by filter; newest first unless told otherwise. */
    async search(actor: Actor, query: TraceQuery): Promise<Page<TraceRecord>> {
      authorize(actor, 'read');
      const conditions = parseTraceFilter(query.filter ?? '');
      const order = parseTraceOrder(query.orderBy ?? []);
      const list = `traces by ${JSON.stringify(order)}`;
      const rows = await searchTraceRows(db.read, db.dialect, {
        experimentIds: query.experimentIds?.map(parseExperimentId) ?? null,
        conditions,
        order,
        limit: query.limit + 1,
        after: query.after ? readPageToken(query.after, traceSortColumns(order), list) : null,
      });
      const page = cutPage(rows, query.limit, list);
      return { items: await hydrateTraces(db.read, page.items), next: page.next };
    },

    /** A trace with its spans, wherever they are kept, complete or not. Throws `trace_unknown`. */
    async whole(actor: Actor, id: string): Promise<TraceWithSpans> {
      authorize(actor, 'read');
      const [found] = await withSpans([await loadTrace(db.read, id)]);
      if (!found) throw traceUnknown(`Trace with ID '${id}' not found.`);
      if (found.spans.length > 0) return found;
      return { trace: found.trace, spans: await spansOfArtifact(deps, actor, found.trace) };
    },
  };
}
