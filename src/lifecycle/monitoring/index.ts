export * from './contract.ts';
export { alertDeliveryStep, monitorStep } from './jobs.ts';
export { monitoringMigrations } from './migrations.ts';
export { MonitorSchedule, type MonitorScheduleOptions } from './monitor-schedule.ts';
export { monitoringRoutes } from './routes.ts';
export { MonitoringService, type MonitoringServiceOptions } from './service.ts';
