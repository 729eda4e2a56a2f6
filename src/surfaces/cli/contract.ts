/**
 * The shapes of the API's answers that the command line reads: the parts' own contracts, without their servers, so
 * that a command starts at once.
 */
import { z } from 'zod';

export {
  datasetSchema,
  datasetVersionSummarySchema,
  registerDatasetResponseSchema,
} from '../../lifecycle/data/contract.ts';
export {
  purgeCountsSchema,
  purgeStartedSchema,
  trashItemSchema,
} from '../../lifecycle/experiments/contract/life.ts';
export {
  type CheckSide,
  type ExperimentCheck,
  experimentCheckSchema,
  type Import,
  type ItemFacts,
  type ItemTodo,
  importSchema,
  itemTodosSchema,
  type PlacedExperiment,
  placedExperimentsSchema,
  type TransferExperiment,
  type TransferFile,
  type TransferInput,
  type TransferModel,
  type TransferRun,
  type TransferSeries,
  type TransferTag,
  transferExperimentSchema,
  transferFileSchema,
  transferModelSchema,
  transferRunSchema,
  transferSeriesSchema,
} from '../../lifecycle/experiments/contract/transfer.ts';
export {
  experimentSchema,
  type MetricSummary,
  type Run,
  runSchema,
} from '../../lifecycle/experiments/contract.ts';
export {
  deletedReplaySchema,
  feedbackSummarySchema,
  labelUploadSchema,
  postLabelsResponseSchema,
  type Replay,
  replaySchema,
} from '../../lifecycle/feedback/contract.ts';
export { auditEntrySchema, erasureSchema, modelCardSchema } from '../../lifecycle/governance/contract.ts';
export { alertSchema, monitorWindowSummarySchema } from '../../lifecycle/monitoring/contract.ts';
export { stepLogLineSchema, stepRunSchema } from '../../lifecycle/pipelines/contract.ts';
export {
  type VersionComparison,
  versionComparisonSchema,
} from '../../lifecycle/registry/contract/compare.ts';
export {
  aliasProtectionSchema,
  type HistoryEntry,
  historyEntrySchema,
  historySubjectSchema,
} from '../../lifecycle/registry/contract/history.ts';
export { type Lineage, lineageSchema } from '../../lifecycle/registry/contract/lineage.ts';
export {
  type ImportedRegisteredModel,
  importedRegisteredModelsSchema,
  type TransferAliasMove,
  type TransferRegisteredModel,
  type TransferVersion,
  transferAliasMoveSchema,
  transferRegisteredModelSchema,
  transferVersionSchema,
} from '../../lifecycle/registry/contract/transfer.ts';
export {
  CHALLENGER,
  CHAMPION,
  type ModelVersion,
  modelVersionSchema,
  registeredModelSchema,
} from '../../lifecycle/registry/contract.ts';
export {
  type BatchPrediction,
  batchPredictionSchema,
  deletedBatchSchema,
} from '../../lifecycle/serving/batch/contract.ts';
export {
  type Endpoint,
  endpointSchema,
  overrideTokenSchema,
  type Replica,
  replicaSchema,
} from '../../lifecycle/serving/contract.ts';
export {
  type CreateEndpointKey,
  createdEndpointKeySchema,
  type EndpointKey,
  endpointKeySchema,
} from '../../lifecycle/serving/keys/contract.ts';
export { createdPackageSchema } from '../../lifecycle/serving/packages/contract.ts';
export {
  type ArmComparison,
  applyResultSchema,
  comparisonText,
  type Deployment,
  type DeployVersionInput,
  deploymentSchema,
  differenceText,
  type EndpointRollout,
  endpointRolloutSchema,
  isEndState,
  type Loop,
  loopSchema,
  loopVersionSchema,
  type Rollout,
  type ShadowEvidence,
  shadowEvidenceSchema,
  type Turn,
  type TurnSummary,
  turnSchema,
  turnSummarySchema,
} from '../../loop/contract.ts';
export { jobResource } from '../../platform/jobs/contract.ts';

/** GET /api/v1/status */
export const statusSchema = z.object({
  version: z.string(),
  startedAt: z.string(),
  database: z.string(),
  dataDirectory: z.string(),
  /** Number of jobs by their status. */
  jobs: z.record(z.string(), z.number()),
});
