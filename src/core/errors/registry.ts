import type { ErrorEntries } from './ErrorEntry.ts';

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
    message: 'Registered Model (name={name}) already exists.',
    next: 'Add a version to the existing model, or choose another name.',
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
    next: 'Let the loop package it, or promote another version.',
  },
  version_blocked: {
    status: 409,
    title: 'Version may not be promoted',
    message: 'version {version} of {name} may not be promoted: {problem}',
    next: '{remedy}',
  },
  no_previous_champion: {
    status: 409,
    title: 'Nothing to roll back to',
    message: '{name} has no previous champion',
    next: 'Promote a version instead.',
  },
} as const satisfies ErrorEntries;
