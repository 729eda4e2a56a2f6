export * from './contract.ts';
export { evaluateStep } from './jobs.ts';
export { evaluationMigrations } from './migrations.ts';
export { evaluationRoutes } from './routes.ts';
export { EvaluationService } from './service.ts';
