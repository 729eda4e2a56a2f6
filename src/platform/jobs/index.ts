export * from './contract.ts';
export { firstCronMs, lastCronMs, nextCronMs } from './cron.ts';
export { type FinishedHandler, type FinishedJob, Jobs, jobLogsTopic, type NewJob } from './jobs.ts';
export { jobsMigrations } from './migrations.ts';
export { jobRoutes } from './routes.ts';
