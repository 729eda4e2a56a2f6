export { type Answer, KeptAnswers, type KeyedRequest } from './kept-answers.ts';
export { idempotencyMigrations } from './migrations.ts';
