import { fail } from '../../core/errors.ts';

/** Kinds of actors: a person or program at the API, a step under way, Millrace itself. */
export const actorKinds = ['user', 'job', 'system'] as const;

/** Who does something: a person or program at the API, a running job, or Millrace itself. */
export interface Actor {
  readonly kind: (typeof actorKinds)[number];
  readonly id: string;
}

/** What may be done, `<resource>:<verb>`. `read` covers every look at anything. */
export type Permission =
  | 'read'
  | 'data:write'
  | 'experiments:write'
  | 'registry:write'
  | 'registry:promote'
  | 'registry:approve'
  | 'webhooks:write'
  | 'serving:write'
  | 'feedback:write'
  | 'monitoring:write'
  | 'pipelines:write'
  | 'loop:write'
  | 'jobs:run'
  /** Bringing whole experiments and models in, with ids and times as they were elsewhere. */
  | 'transfer:write';

/** A running training script may track, read and store; it may not promote, approve or reroute. */
const jobPermissions: ReadonlySet<Permission> = new Set([
  'read',
  'data:write',
  'experiments:write',
  'registry:write',
]);

/**
 * The first line of each service method. Today everybody who reaches the API holds every permission and a job
 * holds its few; roles per person come with the governance slice. Throws `forbidden`.
 */
export function authorize(actor: Actor, permission: Permission): void {
  if (!isAllowed(actor, permission)) throw fail('forbidden', { actor: `job ${actor.id}`, permission });
}

/** Whether an actor holds a permission, for rules that know another way. */
export function isAllowed(actor: Actor, permission: Permission): boolean {
  return actor.kind !== 'job' || jobPermissions.has(permission);
}

/** Millrace itself, for what no request asked for: schedules, the loop, clearing up. */
export const systemActor: Actor = { kind: 'system', id: 'millrace' };
