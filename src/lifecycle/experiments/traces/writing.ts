import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import { joinUri } from '../artifact-path.ts';
import { activeExperiment, type ExperimentsDeps } from '../service/context.ts';
import { touchRuns } from '../store/run-life.ts';
import { checkLength, invalidParameter, type Tag } from '../validation.ts';
import { byTrace, summarize } from './aggregate.ts';
import { type IncomingSpan, spansInStore, type TraceRecord, type TraceState, traceKeys } from './records.ts';
import { loadTrace, tagValue, traceById } from './shared.ts';
import { type ReadSpan, readSpan, spanContent, storedSpan } from './span-content.ts';
import { putAssessment } from './store/assessments.ts';
import { putSpans, spansOfTraces } from './store/spans.ts';
import type { TraceRow } from './store/tables.ts';
import { holdTrace, linkRun, setPairs, updateTrace } from './store/traces.ts';
import { haveUsage, traceUsage, type UsageNode } from './usage.ts';

/** Keeping traces and their spans. */
export function traceWriting({ db, clock, longValues = 'cut' }: ExperimentsDeps) {
  return {
    /**
     * Keeps what a client says of a trace; its spans come by `logSpans`, before or after. Throws
     * `experiment_unknown`, `experiment_inactive`, `tracking_invalid`.
     */
    async start(actor: Actor, input: TraceRecord): Promise<TraceRecord> {
      authorize(actor, 'experiments:write');
      checkLength('Trace name', 4096, tagValue(input.tags, traceKeys.name) ?? '');
      checkLength('Session ID', 250, tagValue(input.metadata, traceKeys.session) ?? '');
      if (input.id === '') throw invalidParameter("Missing value for required parameter 'trace_id'.");
      return db.write(async (tx) => {
        const experiment = await activeExperiment(tx, input.experimentId);
        const row: TraceRow = {
          id: input.id,
          experiment_id: Number(experiment.id),
          start_time_ms: input.startTimeMs,
          duration_ms: input.durationMs,
          state: input.state,
          client_request_id: input.clientRequestId,
          request_preview: input.requestPreview,
          response_preview: input.responsePreview,
          is_final: 1,
        };
        const held = await holdTrace(tx, row);
        if (!held.isNew) {
          await updateTrace(tx, row.id, {
            ...row,
            request_preview: row.request_preview ?? held.row.request_preview,
            response_preview: row.response_preview ?? held.row.response_preview,
          });
        }
        await setPairs(tx, 'trace_tags', row.id, [
          ...input.tags,
          artifactTag(experiment.artifactLocation, row.id),
        ]);
        await setPairs(tx, 'trace_metadata', row.id, [
          ...input.metadata,
          { key: traceKeys.isFinal, value: 'true' },
        ]);
        for (const assessment of input.assessments) await putAssessment(tx, assessment);
        await touchRuns(tx, [tagValue(input.metadata, traceKeys.sourceRun) ?? ''], clock.nowMs());
        return loadTrace(tx, row.id);
      });
    },

    /**
     * Makes or ends a trace as clients before MLflow 3 do, which put the spans into an artifact.
     * Ending throws `trace_unknown`.
     */
    async startOld(
      actor: Actor,
      input: Omit<TraceRecord, 'assessments' | 'clientRequestId'>,
    ): Promise<TraceRecord> {
      authorize(actor, 'experiments:write');
      return db.write(async (tx) => {
        const experiment = await activeExperiment(tx, input.experimentId);
        const { id, startTimeMs, durationMs, state } = input;
        await holdTrace(tx, {
          ...emptyRow(id, Number(experiment.id), startTimeMs),
          duration_ms: durationMs,
          state,
          is_final: 1,
        });
        await setPairs(tx, 'trace_tags', id, [...input.tags, artifactTag(experiment.artifactLocation, id)]);
        await setPairs(tx, 'trace_metadata', id, input.metadata);
        return loadTrace(tx, id);
      });
    },

    async endOld(
      actor: Actor,
      id: string,
      end: {
        readonly endTimeMs: number;
        readonly state: TraceState;
        readonly tags: readonly Tag[];
        readonly metadata: readonly Tag[];
      },
    ): Promise<TraceRecord> {
      authorize(actor, 'experiments:write');
      return db.write(async (tx) => {
        const row = await traceById(tx, id);
        await updateTrace(tx, id, { duration_ms: end.endTimeMs - row.start_time_ms, state: end.state });
        await setPairs(tx, 'trace_tags', id, end.tags);
        await setPairs(tx, 'trace_metadata', id, end.metadata);
        return loadTrace(tx, id);
      });
    },

    /**
     * Keeps spans, of any number of traces, all or none; a trace that is not there yet is made. With a run, the
     * traces whose root span is among them are linked to it. Throws `experiment_unknown`, `experiment_inactive`.
     */
    async logSpans(
      actor: Actor,
      experimentId: string,
      spans: readonly IncomingSpan[],
      runId: string | null = null,
    ): Promise<void> {
      authorize(actor, 'experiments:write');
      const groups = [...byTrace(spans)].sort(([a], [b]) => (a < b ? -1 : 1));
      const prepared = groups.map(([id, group]) => {
        const read = group.map(readSpan);
        return {
          summary: summarize(id, read, longValues),
          spans: read.map(storedSpan),
          nodes: read.map(usageNode),
        };
      });
      await db.write(async (tx) => {
        const experiment = await activeExperiment(tx, experimentId);
        for (const { summary, spans: stored, nodes } of prepared) {
          const id = summary.traceId;
          const empty = emptyRow(id, Number(experiment.id), summary.startMs);
          const held = await holdTrace(tx, empty);
          if (held.isNew) {
            await setPairs(tx, 'trace_tags', id, [artifactTag(experiment.artifactLocation, id)]);
          }
          await updateTrace(tx, id, changeBySpans(held.row, summary));
          await putSpans(tx, id, stored);
          await setPairs(tx, 'trace_tags', id, [
            ...summary.tags,
            { key: traceKeys.spansLocation, value: spansInStore },
          ]);
          await setPairs(tx, 'trace_metadata', id, [
            ...(await newPeople(tx, id, summary)),
            ...(haveUsage(nodes) ? await newUsage(tx, id, nodes, held) : []),
          ]);
        }
        const ended = prepared.filter(({ summary }) => summary.state !== null);
        if (runId)
          await linkRun(
            tx,
            runId,
            ended.map(({ summary }) => summary.traceId),
          );
      });
    },
  };
}

function artifactTag(root: string, id: string): Tag {
  return { key: traceKeys.artifactLocation, value: joinUri(root, 'traces', id, 'artifacts') };
}

function emptyRow(id: string, experimentId: number, startTimeMs: number): TraceRow {
  return {
    id,
    experiment_id: experimentId,
    start_time_ms: startTimeMs,
    duration_ms: null,
    state: 'IN_PROGRESS',
    client_request_id: null,
    request_preview: null,
    response_preview: null,
    is_final: 0,
  };
}

/** Spans widen the time of a trace whose client has not told it, end it, and fill in what is missing. */
function changeBySpans(row: TraceRow, summary: ReturnType<typeof summarize>): Partial<TraceRow> {
  const startMs = row.is_final ? row.start_time_ms : Math.min(row.start_time_ms, summary.startMs);
  const oldEndMs = row.duration_ms === null ? null : row.start_time_ms + row.duration_ms;
  const ends = [oldEndMs, summary.endMs].filter((end) => end !== null);
  const isOpen = row.state === 'IN_PROGRESS' || row.state === 'STATE_UNSPECIFIED';
  return {
    start_time_ms: startMs,
    duration_ms: row.is_final || ends.length === 0 ? row.duration_ms : Math.max(...ends) - startMs,
    state: isOpen && summary.state ? summary.state : row.state,
    request_preview: row.request_preview ?? summary.requestPreview,
    response_preview: row.response_preview ?? summary.responsePreview,
  };
}

/** Session and user that spans name, where the trace has none yet. */
async function newPeople(tx: Tx, id: string, summary: ReturnType<typeof summarize>): Promise<readonly Tag[]> {
  if (summary.sessionId === null && summary.userId === null) return [];
  const trace = await loadTrace(tx, id);
  const has = (key: string): boolean => tagValue(trace.metadata, key) !== undefined;
  return [
    { key: traceKeys.session, value: summary.sessionId },
    { key: traceKeys.user, value: summary.userId },
  ].flatMap(({ key, value }) => (value === null || has(key) ? [] : [{ key, value }]));
}

function usageNode({ span, attributes }: ReadSpan): UsageNode {
  return { spanId: span.spanId, parentId: span.parentSpanId, attributes };
}

/** Tokens and costs of the whole trace, over spans that came before too; what its client said of them stays. */
async function newUsage(
  tx: Tx,
  id: string,
  nodes: readonly UsageNode[],
  held: { readonly isNew: boolean; readonly row: TraceRow },
): Promise<readonly Tag[]> {
  if (held.isNew) return traceUsage(nodes);
  const said = held.row.is_final ? (await loadTrace(tx, id)).metadata : [];
  const spans = (await spansOfTraces(tx, [id])).get(id) ?? [];
  const all = spans.map((span) => ({ ...span, attributes: spanContent(span).attributes }));
  return traceUsage(all).filter(({ key }) => tagValue(said, key) === undefined);
}
