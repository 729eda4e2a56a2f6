export * from './contract.ts';
export { watermarksMigrations } from './migrations.ts';
export { type Barrier, Watermarks } from './watermarks.ts';
