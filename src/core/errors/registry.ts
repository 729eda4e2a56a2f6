import type { ErrorEntries } from './error-entry.ts';

export const registryErrors = {
  registered_model_unknown: {
    status: 404,
    title: 'Unknown registered model',
    message: 'Registered Model with name={name} not found',
    next: 'List the registered models with GET /api/v1/registered-models.',
  },
  registered_model_exists: {
    status: 409,
    title: 'Registered model exists',
    message: '{kind} (name={name}) already exists.',
    next: 'Add a version to the existing one, or choose another name.',
  },
  registered_name_taken: {
    status: 409,
    title: 'Name of a model and a prompt',
    message:
      'Tried to create a {kind} with name {name}, but the name is already taken by a {taken}. MLflow does not allow creating a model and a prompt with the same name.',
    next: 'Choose another name.',
  },
  version_unknown: {
    status: 404,
    title: 'Unknown model version',
    message: 'Model Version (name={name}, version={version}) not found',
    next: 'List the versions with GET /api/v1/registered-models/{name}/versions.',
  },
  alias_unknown: {
    status: 404,
    title: 'Unknown alias',
    message: 'Registered model alias {alias} not found.',
    next: 'Read the registered model to see its aliases.',
  },
  version_not_packaged: {
    status: 409,
    title: 'Version not packaged',
    message: 'version {version} of {name} has no package, so it cannot be served',
    next: 'Package it: POST /api/v1/deployments with "packageOnly": true, or let the loop do it.',
  },
  version_blocked: {
    status: 409,
    title: 'Version may not be promoted',
    message: 'version {version} of {name} may not be promoted: {problem}',
    next: '{remedy}',
  },
  alias_protected: {
    status: 403,
    title: 'Protected alias',
    message: 'alias {alias} of {name} is protected ({pattern}): {actor} may not move it{detail}',
    next: 'Ask somebody who may promote; or have the version approved, and give a reason.',
  },
  protection_unknown: {
    status: 404,
    title: 'Unknown protection',
    message: 'there is no protection of aliases "{id}"',
    next: 'List them with GET /api/v1/alias-protections.',
  },
  protection_built_in: {
    status: 409,
    title: 'Built-in protection',
    message: 'the protection of {pattern} belongs to the product and cannot be taken away',
    next: 'Leave it; who may promote can move the alias.',
  },
  webhook_unknown: {
    status: 404,
    title: 'Unknown webhook',
    message: 'Webhook with ID {id} not found.',
    next: 'List the webhooks with GET /api/v1/webhooks.',
  },
  delivery_unknown: {
    status: 404,
    title: 'Unknown delivery',
    message: 'there is no delivery "{id}"; those that ended over 30 days ago are forgotten',
    next: 'List them with GET /api/v1/webhook-deliveries.',
  },
  delivery_pending: {
    status: 409,
    title: 'Delivery under way',
    message: 'delivery {id} is being tried already ({attempts} attempts so far)',
    next: 'Wait until it is delivered or given up.',
  },
  no_previous_champion: {
    status: 409,
    title: 'Nothing to roll back to',
    message: '{name} has no previous champion',
    next: 'Promote a version instead.',
  },
} as const satisfies ErrorEntries;
