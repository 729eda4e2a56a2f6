export { checkContract } from './check-contract.ts';
export { timeMsSql } from './columns.ts';
export * from './contract.ts';
export { dataMigrations } from './migrations.ts';
export { dataRoutes } from './routes.ts';
export { DataService, type DataServiceOptions, type SplitPart } from './service.ts';
