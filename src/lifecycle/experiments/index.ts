export { safeArtifactPath } from './artifact-path.ts';
export type { ArtifactStorage } from './artifact-roots/index.ts';
export { artifactRowsRoutes } from './artifact-rows.ts';
export { downloadType } from './content-type.ts';
export type { ArtifactEntry, ArtifactFile, LoggedModelStatus, RunStatus } from './contract.ts';
export { sendFile } from './file-reply.ts';
export { lifeRoutes } from './life-routes.ts';
export { guessDirection } from './metric-direction.ts';
export { type MetricInput, type MetricPoint, pointValue } from './metric-point.ts';
export { experimentsMigrations } from './migrations.ts';
export { purgeStep } from './purge-step.ts';
export type {
  DatasetInputRecord,
  ExperimentRecord,
  LoggedModelMetricRecord,
  LoggedModelRecord,
  MetricSummaryRecord,
  Page,
  RunInfo,
  RunRecord,
} from './records.ts';
export { experimentsRoutes } from './routes.ts';
export type { ExperimentsDeps, View } from './service/context.ts';
export { Purger } from './service/purger.ts';
export { Purges } from './service/purges.ts';
export { RunWatch } from './service/run-watch.ts';
export { createExperiments, type Experiments } from './service.ts';
export { settleEverything } from './store/settling.ts';
export * from './traces/index.ts';
export {
  modelFacts,
  modelRecordDigest,
  type PointColumns,
  PointsDigest,
  runFacts,
  runRecordDigest,
} from './transfer-digest.ts';
export {
  checkKey,
  checkLength,
  invalidParameter,
  invalidValue,
  pythonDumps,
  pythonFloat,
  pythonJson,
  pythonRepr,
  type Tag,
} from './validation.ts';
