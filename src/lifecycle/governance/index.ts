export type { CardEvidence } from './card-evidence.ts';
export { cardMarkdown } from './card-markdown.ts';
export * from './contract.ts';
export { ErasureService, type LeftBehind } from './erasure-service.ts';
export { type GovernanceDeps, GovernanceService } from './governance-service.ts';
export { governanceMigrations } from './migrations.ts';
export { governanceRoutes } from './routes.ts';
