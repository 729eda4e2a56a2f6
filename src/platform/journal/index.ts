export { type EventResource, eventResource } from './contract.ts';
export {
  type AuditFilter,
  Journal,
  type NewAuditEntry,
  type NewEvent,
  type StoredAuditEntry,
  type StoredEvent,
  type Subject,
} from './journal.ts';
export { journalMigrations } from './migrations.ts';
export { eventRoutes } from './routes.ts';
