import { z } from 'zod';
import {
  type AssessmentRecord,
  invalidParameter,
  newAssessmentId,
  type Tag,
  type TraceRecord,
  traceStates,
} from '../../../lifecycle/experiments/index.ts';

const texts = z.record(z.string(), z.coerce.string());
const stateSchema = z
  .union([z.enum(traceStates), z.number().int().min(0).max(3)])
  .transform((state) => (typeof state === 'number' ? (traceStates[state] ?? 'OK') : state));

const assessmentSchema = z.object({
  assessment_name: z.string().default(''),
  span_id: z.string().optional(),
  source: z
    .object({ source_type: z.string().default('SOURCE_TYPE_UNSPECIFIED'), source_id: z.string().optional() })
    .optional(),
  create_time: z.string().optional(),
  last_update_time: z.string().optional(),
  feedback: z
    .object({ value: z.unknown().optional(), error: z.record(z.string(), z.unknown()).optional() })
    .optional(),
  expectation: z
    .object({ value: z.unknown().optional(), serialized_value: z.object({ value: z.string() }).optional() })
    .optional(),
  issue: z.object({ issue_name: z.string().optional() }).optional(),
  rationale: z.string().optional(),
  error: z.record(z.string(), z.unknown()).optional(),
  metadata: texts.optional(),
  overrides: z.string().optional(),
});
type AssessmentInput = z.output<typeof assessmentSchema>;

const traceSchema = z.object({
  trace_info: z.object({
    trace_id: z.string().default(''),
    client_request_id: z.string().optional(),
    trace_location: z
      .object({ mlflow_experiment: z.object({ experiment_id: z.string() }).optional() })
      .optional(),
    request_preview: z.string().optional(),
    response_preview: z.string().optional(),
    request_time: z.string().optional(),
    execution_duration: z.string().optional(),
    state: stateSchema.default('STATE_UNSPECIFIED'),
    trace_metadata: texts.default({}),
    tags: texts.default({}),
    assessments: z.array(assessmentSchema).default([]),
  }),
});

/** Reads an object by its schema; names may be camelCase. Throws `tracking_invalid` naming the field. */
function read<S extends z.ZodType>(schema: S, value: unknown, field: string): z.output<S> {
  const result = schema.safeParse(snakeNames(value));
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = [field, ...(issue?.path ?? [])].join('.');
  throw invalidParameter(
    `Invalid value for parameter '${path}' supplied: ${issue?.message ?? 'wrong shape'}`,
  );
}

/** Values below these names are the user's own and keep theirs. */
const opaque = new Set(['value', 'tags', 'trace_metadata', 'metadata']);

function snakeNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== null)
      .map(([key, item]) => {
        const name = key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
        return [name, opaque.has(name) ? item : snakeNames(item)];
      }),
  );
}

/** The trace of MLflow's StartTraceV3. Throws `tracking_invalid`. */
export function readTrace(value: unknown, nowMs: number): TraceRecord {
  const { trace_info: info } = read(traceSchema, value, 'trace');
  const experimentId = info.trace_location?.mlflow_experiment?.experiment_id;
  if (experimentId === undefined) {
    throw invalidParameter("Missing value for required parameter 'trace.trace_info.trace_location'.");
  }
  return {
    id: info.trace_id,
    experimentId,
    startTimeMs: timeOf(info.request_time, 'trace.trace_info.request_time') ?? 0,
    durationMs: durationOf(info.execution_duration),
    state: info.state,
    clientRequestId: info.client_request_id ?? null,
    requestPreview: info.request_preview ?? null,
    responsePreview: info.response_preview ?? null,
    tags: pairs(info.tags),
    metadata: pairs(info.trace_metadata),
    assessments: info.assessments.map((input) => ({
      ...toAssessment(input, info.trace_id, nowMs),
      id: newAssessmentId(),
      isValid: true,
    })),
  };
}

export function readAssessment(value: unknown): AssessmentInput {
  return read(assessmentSchema, value, 'assessment');
}

/** An assessment to add. Throws `tracking_invalid` when it is neither feedback, expectation nor issue. */
export function toAssessment(
  input: AssessmentInput,
  traceId: string,
  nowMs: number,
): Omit<AssessmentRecord, 'id' | 'isValid'> {
  return {
    traceId,
    name: input.assessment_name,
    ...judgementOf(input),
    sourceType: input.source?.source_type ?? 'SOURCE_TYPE_UNSPECIFIED',
    sourceId: input.source?.source_id ?? null,
    spanId: input.span_id || null,
    rationale: input.rationale || null,
    metadata: input.metadata ?? null,
    overrides: input.overrides || null,
    createdAtMs: timeOf(input.create_time, 'assessment.create_time') ?? nowMs,
    updatedAtMs: timeOf(input.last_update_time, 'assessment.last_update_time') ?? nowMs,
  };
}

/** What an assessment says. Throws `tracking_invalid` when it says nothing. */
export function judgementOf(input: AssessmentInput): Pick<AssessmentRecord, 'kind' | 'value' | 'error'> {
  const { feedback, expectation, issue } = input;
  if (feedback) {
    return { kind: 'feedback', value: feedback.value ?? null, error: feedback.error ?? input.error ?? null };
  }
  if (expectation) {
    const text = expectation.serialized_value?.value;
    const value: unknown = text === undefined ? expectation.value : jsonOf(text);
    if (value === undefined || value === null) {
      throw invalidParameter('The `value` field must be specified.');
    }
    return { kind: 'expectation', value, error: null };
  }
  if (issue) return { kind: 'issue', value: issue.issue_name ?? null, error: null };
  throw invalidParameter('Unknown assessment type: None');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidParameter(
      "Invalid value for parameter 'assessment.expectation.serialized_value' supplied: not JSON",
    );
  }
}

export function pairs(map: Readonly<Record<string, string>>): readonly Tag[] {
  return Object.entries(map).map(([key, value]) => ({ key, value }));
}

function timeOf(text: string | undefined, field: string): number | null {
  if (text === undefined) return null;
  const timeMs = Date.parse(text);
  if (Number.isNaN(timeMs))
    throw invalidParameter(`Invalid value for parameter '${field}' supplied: not a time`);
  return timeMs;
}

/** Milliseconds of `0.723s`. */
function durationOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const seconds = Number(/^(-?\d+(?:\.\d+)?)s$/.exec(text)?.[1] ?? Number.NaN);
  if (!Number.isNaN(seconds)) return Math.round(seconds * 1000);
  throw invalidParameter(
    "Invalid value for parameter 'trace.trace_info.execution_duration' supplied: not seconds such as 0.5s",
  );
}
