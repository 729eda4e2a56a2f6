export * from './contract.ts';
export { labelJoinStep } from './jobs.ts';
export type { LabelJoin } from './labelJoin.ts';
export { feedbackMigrations } from './migrations.ts';
export { brierSql, featurePrefix, logLossSql, type RowFilter } from './relations.ts';
export { feedbackRoutes } from './routes.ts';
export { FeedbackService, type FeedbackServiceOptions } from './service.ts';
