import type { ErrorEntries } from './error-entry.ts';

export const loopErrors = {
  loop_file_invalid: {
    status: 400,
    title: 'Loop file refused',
    message: '{problems}',
    next: 'Correct the named lines and apply the file again; the version in force is unchanged.',
  },
  loop_blob_missing: {
    status: 400,
    title: 'Training code missing',
    message: 'file {path} ({digest}) was not uploaded',
    next: 'Upload it with PUT /api/v1/blobs/{digest}, or apply with the millrace command, which does so.',
  },
  loop_busy: {
    status: 409,
    title: 'Turn under way',
    message: 'turn {turn} of loop {loop} is {state}',
    next: 'Wait until it ends, or abort it with POST /api/v1/turns/{turn}/abort.',
  },
  loop_trigger_refused: {
    status: 409,
    title: 'Manual turns are off',
    message: 'loop {loop} does not allow turns by hand',
    next: 'Add "manual" to improve.retrain.on in the loop file and apply it.',
  },
  turn_state: {
    status: 409,
    title: 'Not in this state',
    message: 'turn {turn} is {state}; {action} needs {needed}',
    next: 'Look at the turn with GET /api/v1/turns/{turn}.',
  },
  rollout_under_way: {
    status: 409,
    title: 'Rollout under way',
    message: 'endpoint "{endpoint}" is changed by {by} already',
    next: 'Wait until that ends, or abort it.',
  },
  rollout_cooling: {
    status: 409,
    title: 'Aborted or rolled back a short while ago',
    message: 'version {version} was {state} on endpoint "{endpoint}" ({reason}) and cools down until {until}',
    next: 'Roll out a version that mends what was wrong, or wait; to begin it all the same, say "again": true (--again) and why.',
  },
  shadow_none: {
    status: 404,
    title: 'No shadow',
    message: 'endpoint "{endpoint}" has no shadow',
    next: 'Send copies of its traffic to a version with POST /api/v1/endpoints/{endpoint}/shadow, or begin a rollout whose plan has a shadow.',
  },
  rollout_state: {
    status: 409,
    title: 'Not in this state',
    message: 'rollout {rollout} is {state}; {action} needs {needed}',
    next: 'Look at the rollout with GET /api/v1/endpoints/{endpoint}/rollouts/{rollout}.',
  },
  version_packaged: {
    status: 409,
    title: 'Packaged otherwise',
    message: 'version {version} of {model} was packaged to run as {packaged}, not as {runtime}',
    next: 'Leave the runtime out, or register the model again and deploy that version with the runtime.',
  },
  version_not_logged: {
    status: 409,
    title: 'No logged model',
    message: 'version {version} of {model} does not come from a logged model, so there is nothing to package',
    next: 'Log the model with mlflow 3 (log_model) and register that: register_model("models:/<model id>", name).',
  },
} as const satisfies ErrorEntries;
