export {
  type AliasMove,
  type Approval,
  CHALLENGER,
  CHAMPION,
  type CreateVersionInput,
  type GateRecord,
  type Signature,
} from './contract.ts';
export type { LineageDeployment, LineagePorts } from './lineage/ports.ts';
export { lineageRoutes } from './lineage/routes.ts';
export { createLineage, type RegistryLineage } from './lineage/service.ts';
export { registryMigrations } from './migrations.ts';
export type { RegisteredModelRecord, VersionRecord } from './records.ts';
export { judgedInsteadOf, REFIT_TAG } from './refit.ts';
export { registryRoutes } from './routes.ts';
export type { RegistryDeps } from './service/context.ts';
export { createRegistry, type Registry } from './service.ts';
export { registeredModelDigest } from './transfer-digest.ts';
export type { Webhook } from './webhooks/contract.ts';
export { webhookRoutes } from './webhooks/routes.ts';
export { createWebhooks, type Webhooks } from './webhooks/service.ts';
export { WebhookWorker } from './webhooks/worker.ts';
