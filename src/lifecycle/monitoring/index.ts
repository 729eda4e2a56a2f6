export * from './contract.ts';
export { alertDeliveryStep, monitorStep } from './jobs.ts';
export { MonitorSchedule, type MonitorScheduleOptions } from './MonitorSchedule.ts';
export { monitoringMigrations } from './migrations.ts';
export { monitoringRoutes } from './routes.ts';
export { MonitoringService, type MonitoringServiceOptions } from './service.ts';
