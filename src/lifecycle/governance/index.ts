export { cardMarkdown } from './cardMarkdown.ts';
export * from './contract.ts';
export { GovernanceService } from './GovernanceService.ts';
export { governanceRoutes } from './routes.ts';
