export type { Arrived, ArrivedFeature, ArrivedLabel, ArrivedRow } from './arrivals.ts';
export * from './contract.ts';
export { featureText } from './feature-text.ts';
export { labelJoinStep } from './jobs.ts';
export type { LabelJoin } from './label-join.ts';
export { feedbackMigrations } from './migrations.ts';
export {
  brierSql,
  featurePrefix,
  isRefused,
  labelTimeSql,
  logLossSql,
  noVerdictSql,
  type RowFilter,
  refusedSql,
} from './relations.ts';
export { replayRoutes } from './replay/replay-routes.ts';
export { type ReplayPorts, ReplayService } from './replay/replay-service.ts';
export { replayStep } from './replay/replay-step.ts';
export { feedbackRoutes } from './routes.ts';
export { FeedbackService, type FeedbackServiceOptions } from './service.ts';
export type { AsideSegment } from './store.ts';
