/** What traces show to the outside: executions of traced functions with their spans. */
import { z } from 'zod';

/** RFC 3339 time. */
const timeSchema = z.string();

const traceStateSchema = z.enum(['STATE_UNSPECIFIED', 'OK', 'ERROR', 'IN_PROGRESS']);

const traceAssessmentSchema = z.object({
  id: z.string(),
  kind: z.enum(['feedback', 'expectation', 'issue']),
  name: z.string(),
  value: z.unknown(),
  error: z.record(z.string(), z.unknown()).nullable(),
  /** Who judged: `HUMAN`, `LLM_JUDGE` or `CODE`, and who that is. */
  sourceType: z.string(),
  sourceId: z.string().nullable(),
  spanId: z.string().nullable(),
  rationale: z.string().nullable(),
  /** False once another assessment replaced it. */
  isValid: z.boolean(),
  createdAt: timeSchema,
});

export const traceSchema = z.object({
  id: z.string(),
  name: z.string().nullable(),
  experimentId: z.string(),
  state: traceStateSchema,
  startTime: timeSchema,
  /** Null while it goes on. */
  durationMs: z.number().nullable(),
  requestPreview: z.string().nullable(),
  responsePreview: z.string().nullable(),
  clientRequestId: z.string().nullable(),
  /** The run that was going on when the trace was made. */
  sourceRunId: z.string().nullable(),
  session: z.string().nullable(),
  user: z.string().nullable(),
  tags: z.record(z.string(), z.string()),
  metadata: z.record(z.string(), z.string()),
  assessments: z.array(traceAssessmentSchema),
});
export type Trace = z.infer<typeof traceSchema>;

const traceSpanSchema = z.object({
  id: z.string(),
  parentId: z.string().nullable(),
  /** How far below the root it is; spans stand in the order of their tree. */
  depth: z.number().int(),
  name: z.string(),
  type: z.string().nullable(),
  status: z.enum(['UNSET', 'OK', 'ERROR']),
  statusMessage: z.string(),
  startTime: timeSchema,
  /** From the start of the trace's first span, with fractions. */
  offsetMs: z.number(),
  durationMs: z.number().nullable(),
  inputs: z.unknown(),
  outputs: z.unknown(),
  attributes: z.record(z.string(), z.unknown()),
  events: z.array(
    z.object({ name: z.string(), time: timeSchema, attributes: z.record(z.string(), z.unknown()) }),
  ),
});
export type TraceSpan = z.infer<typeof traceSpanSchema>;

export const traceDetailSchema = traceSchema.extend({
  spans: z.array(traceSpanSchema),
  /** False while spans that the client has announced are still missing. */
  isComplete: z.boolean(),
});
export type TraceDetail = z.infer<typeof traceDetailSchema>;

export const traceListQuerySchema = z.strictObject({
  experimentId: z.string().optional(),
  /** MLflow's grammar for traces: `status = 'ERROR' AND tags.team = 'ops' AND span.name LIKE 'load%'`. */
  filter: z.string().optional(),
  /** Keys separated by commas: `execution_time_ms DESC, timestamp_ms`. */
  orderBy: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  after: z.string().optional(),
});
