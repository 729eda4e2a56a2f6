export { type Answer, KeptAnswers, type KeyedRequest } from './KeptAnswers.ts';
export { idempotencyMigrations } from './migrations.ts';
