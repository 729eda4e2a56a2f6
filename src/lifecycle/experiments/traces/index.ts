export {
  type AssessmentChange,
  assessmentOperations,
  type NewAssessment,
  newAssessmentId,
} from './assessments.ts';
export { tracesMigrations } from './migrations.ts';
export {
  type AssessmentKind,
  type AssessmentRecord,
  type IncomingSpan,
  type SpanRecord,
  type TraceRecord,
  type TraceState,
  traceKeys,
  traceStates,
} from './records.ts';
export { traceOperations } from './service.ts';
export {
  isComplete,
  spansAreHere,
  type TraceQuery,
  type TraceWithSpans,
} from './shared.ts';
export { plainNs, spanContent } from './span-content.ts';
