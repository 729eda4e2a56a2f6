export type { CardEvidence } from './CardEvidence.ts';
export { cardMarkdown } from './cardMarkdown.ts';
export * from './contract.ts';
export { ErasureService, type LeftBehind } from './ErasureService.ts';
export { type GovernanceDeps, GovernanceService } from './GovernanceService.ts';
export { governanceRoutes } from './routes.ts';
