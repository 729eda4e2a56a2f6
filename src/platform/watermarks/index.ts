export * from './contract.ts';
export { watermarksMigrations } from './migrations.ts';
export { watermarkRoutes } from './routes.ts';
export { type Barrier, Watermarks } from './watermarks.ts';
