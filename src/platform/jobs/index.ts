export * from './contract.ts';
export { type FinishedHandler, type FinishedJob, Jobs, jobLogsTopic, type NewJob } from './jobs.ts';
export { jobsMigrations } from './migrations.ts';
export { jobRoutes } from './routes.ts';
export { type NewSchedule, nextCronMs, Schedules } from './schedules.ts';
