/**
 * The one catalogue of errors: code, HTTP status, title, message template, next step.
 * `{name}` in a template is replaced by the parameter of that name. docs/errors.md is generated from here.
 */
export interface ErrorEntry {
  readonly status: number;
  readonly title: string;
  readonly message: string;
  readonly next: string;
}

export const errorCatalogue = {
  // core and platform
  invalid_duration: {
    status: 400,
    title: 'Not a duration',
    message: '{field}: "{value}" is not a duration',
    next: 'Write a number with a unit, for instance 90s, 30m, 6h, 7d or 1h30m.',
  },
  invalid_time: {
    status: 400,
    title: 'Not a time',
    message: '{field}: "{value}" is not a time',
    next: 'Write an RFC 3339 time such as 2001-03-04T05:06:07Z.',
  },
  invalid_input: {
    status: 400,
    title: 'Invalid input',
    message: '{field}: {problem}',
    next: 'Correct the named field and send the request again.',
  },
  invalid_page_token: {
    status: 400,
    title: 'Invalid page token',
    message: 'after: "{value}" is not a page token of this list',
    next: 'Use the "next" value of the previous page, or leave "after" out to start again.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    message: '{kind} "{id}" does not exist',
    next: 'Check the name; list what exists with GET {list}.',
  },
  route_not_found: {
    status: 404,
    title: 'No such address',
    message: '{method} {path} is not an address of this server',
    next: 'See docs/openapi.json for the addresses.',
  },
  conflict: {
    status: 409,
    title: 'Conflict',
    message: '{problem}',
    next: 'Read the resource again and repeat the change on its present state.',
  },
  forbidden: {
    status: 403,
    title: 'Not allowed',
    message: '{actor} may not {permission}',
    next: 'Ask somebody who holds this permission.',
  },
  payload_too_large: {
    status: 413,
    title: 'Too large',
    message: 'the body is larger than {limitBytes} bytes',
    next: 'Send it in smaller parts.',
  },
  internal: {
    status: 500,
    title: 'Internal error',
    message: 'an unexpected error happened (reference {reference})',
    next: 'Look for the reference in the log of the server, and report it.',
  },
  config_invalid: {
    status: 400,
    title: 'Invalid setting',
    message: 'setting {field}: {problem}',
    next: 'Correct it in the flag, environment variable or config file named.',
  },
  port_taken: {
    status: 503,
    title: 'Port taken',
    message: 'port {port} on {host} is taken by another program',
    next: 'Stop that program, or choose another port with {setting}.',
  },
  data_locked: {
    status: 409,
    title: 'Data directory in use',
    message: 'the data directory {path} is held by process {pid}',
    next: 'Stop that process, or start with another directory (--data or MILLRACE_DATA).',
  },
  disk_full: {
    status: 507,
    title: 'Disk full',
    message: 'no space is left where {path} is written',
    next: 'Free some space; the work goes on by itself from where it stopped.',
  },
  database_unreachable: {
    status: 503,
    title: 'Database unreachable',
    message: 'the database {url} does not answer: {problem}',
    next: 'Check MILLRACE_DATABASE_URL and that the database is running.',
  },
  blob_missing: {
    status: 404,
    title: 'Blob missing',
    message: 'blob {digest} is not in the store',
    next: 'Upload it with PUT /api/v1/blobs/{digest}, or restore it from a backup.',
  },
  blob_corrupt: {
    status: 422,
    title: 'Digest differs',
    message: 'the content has digest {actual}, not {expected}',
    next: 'Send the content again; if it is so again, the source is damaged.',
  },
  frames_failed: {
    status: 500,
    title: 'Query failed',
    message: 'the frame engine refused a query: {problem}',
    next: 'If it ran out of memory, raise MILLRACE_FRAMES_MEMORY; else report the message.',
  },
  control_unreachable: {
    status: 503,
    title: 'Control unreachable',
    message: 'control at {url} does not answer: {problem}',
    next: 'Start it with "millrace up", or name another with --url or MILLRACE_URL.',
  },
  // jobs
  lease_lost: {
    status: 409,
    title: 'Lease lost',
    message: 'attempt {attempt} of job {id} no longer holds its lease',
    next: 'Drop this attempt; the job was cancelled, or goes on elsewhere.',
  },
  // watermarks
  watermark_backwards: {
    status: 409,
    title: 'Watermark cannot go back',
    message: 'the watermark of {stream} is at {current}, {value} is earlier',
    next: 'Advance it to a later time; what is closed stays closed.',
  },
  watermark_live: {
    status: 409,
    title: 'Stream is live',
    message: 'the watermark of {stream} follows the wall clock',
    next: 'Only a stream in replay mode is advanced by hand: set its mode to "replay" first.',
  },
  // serving
  onnx_invalid: {
    status: 422,
    title: 'Model cannot be served',
    message: 'the ONNX model cannot be served: {problem}',
    next: 'Export the model again (scikit-learn: skl2onnx or mlflow.onnx.log_model with zipmap off) and register it.',
  },
  package_refused: {
    status: 422,
    title: 'Model refused',
    message: 'the model cannot be packaged: {problem}',
    next: '{remedy}',
  },
  python_missing: {
    status: 503,
    title: 'Python missing',
    message: 'the Python at {path} cannot convert a {flavor} model: {problem}',
    next: 'Install the conversion packages (make python), set MILLRACE_PYTHON, or log the model with mlflow.onnx.',
  },
  endpoint_unknown: {
    status: 404,
    title: 'Unknown endpoint',
    message: 'Request for unknown model: "{endpoint}" is not an endpoint of this server',
    next: 'List the endpoints with GET {list}.',
  },
  model_version_unknown: {
    status: 404,
    title: 'Unknown model version',
    message: 'Request for unknown model: endpoint "{endpoint}" does not serve version "{version}"',
    next: 'It serves {versions}; leave the version out to let the router choose.',
  },
  endpoint_empty: {
    status: 503,
    title: 'No model deployed',
    message: 'endpoint "{endpoint}" has no model ready',
    next: 'Deploy one (POST /api/v1/endpoints/{endpoint}/deploy on control), or wait until it is loaded.',
  },
  request_malformed: {
    status: 400,
    title: 'Malformed request',
    message: '{problem}',
    next: 'Correct the request and send it again.',
  },
  input_missing: {
    status: 400,
    title: 'Input missing',
    message: 'input "{input}" is missing; expected {expected}{extra}',
    next: 'Send the input; GET /v2/models/{endpoint} lists all inputs.',
  },
  input_unexpected: {
    status: 400,
    title: 'Input unexpected',
    message: 'input "{input}" is not in the signature of the model; expected {expected}',
    next: 'Leave it out; GET /v2/models/{endpoint} lists all inputs.',
  },
  input_invalid: {
    status: 400,
    title: 'Input invalid',
    message: 'input "{input}"{row} is {value}; expected {expected}',
    next: 'Correct the value; GET /v2/models/{endpoint} lists the types.',
  },
  inference_failed: {
    status: 500,
    title: 'Inference failed',
    message: 'version {version} of {model} failed on this input: {problem}',
    next: 'Roll the endpoint back if it goes on; the request is in the prediction log.',
  },
  output_not_finite: {
    status: 500,
    title: 'Output not finite',
    message: 'version {version} of {model} gave {value} as {output}',
    next: 'Check the inputs for extreme values; roll the endpoint back if it goes on.',
  },
  queue_full: {
    status: 503,
    title: 'Overloaded',
    message: '{waiting} rows wait for endpoint "{endpoint}" already',
    next: 'Send the request again after a second, or start another replica.',
  },
  prediction_log_unavailable: {
    status: 503,
    title: 'Prediction log unavailable',
    message: 'the prediction could not be logged: {problem}',
    next: 'Free space where the replica keeps its data; it answers again by itself as soon as it can write.',
  },
  endpoint_no_challenger: {
    status: 409,
    title: 'No challenger',
    message: 'endpoint "{endpoint}" has no challenger to {action}',
    next: 'Give it one first: POST /api/v1/endpoints/{endpoint}/challenge.',
  },
  endpoint_no_champion: {
    status: 409,
    title: 'No champion',
    message: 'endpoint "{endpoint}" has no champion yet',
    next: 'Deploy a version first: POST /api/v1/endpoints/{endpoint}/deploy.',
  },
  rollback_impossible: {
    status: 409,
    title: 'Nothing to roll back to',
    message: 'endpoint "{endpoint}" has no {what}',
    next: 'List the earlier routes with GET /api/v1/endpoints/{endpoint}/route-versions.',
  },
  replicas_behind: {
    status: 504,
    title: 'Replicas did not follow',
    message: 'route {routeVersion} of endpoint "{endpoint}" was not taken by {replicas}: {problem}',
    next: 'The route is kept and will be taken when the replica can; look at GET /api/v1/replicas.',
  },
  // experiments (messages are MLflow's own where MLflow's clients may see them)
  tracking_invalid: {
    status: 400,
    title: 'Invalid tracking request',
    message: '{problem}',
    next: 'Correct the named value and send the request again.',
  },
  filter_invalid: {
    status: 400,
    title: 'Invalid filter',
    message: '{problem}',
    next: "Write comparisons joined by AND, for instance: metrics.auc > 0.7 AND params.model = 'lgbm'.",
  },
  experiment_unknown: {
    status: 404,
    title: 'Unknown experiment',
    message: 'No Experiment with id={id} exists',
    next: 'List the experiments with GET /api/v1/experiments.',
  },
  experiment_name_unknown: {
    status: 404,
    title: 'Unknown experiment',
    message: "Could not find experiment with name '{name}'",
    next: 'List the experiments with GET /api/v1/experiments.',
  },
  experiment_exists: {
    status: 409,
    title: 'Experiment exists',
    message: 'Experiment(name={name}) already exists.',
    next: 'Use the existing experiment, or choose another name. A deleted experiment keeps its name.',
  },
  experiment_inactive: {
    status: 409,
    title: 'Experiment deleted',
    message: "The experiment {id} must be in the 'active' state. Current state is {stage}.",
    next: 'Restore the experiment first.',
  },
  run_unknown: {
    status: 404,
    title: 'Unknown run',
    message: 'Run with id={id} not found',
    next: 'List the runs with GET /api/v1/runs.',
  },
  run_inactive: {
    status: 409,
    title: 'Run deleted',
    message: "The run {id} must be in the 'active' state. Current state is {stage}.",
    next: 'Restore the run first.',
  },
  param_changed: {
    status: 409,
    title: 'Parameter already logged',
    message: 'Changing param values is not allowed. {problem}',
    next: 'Log a changed value in another run (for instance a nested one), or under another key.',
  },
  tag_unknown: {
    status: 404,
    title: 'Unknown tag',
    message: 'No tag with name: {key} in {kind} with id {id}',
    next: 'Read the tags of the resource first.',
  },
  logged_model_unknown: {
    status: 404,
    title: 'Unknown logged model',
    message: "Logged model with ID '{id}' not found.",
    next: 'Open the run that logged it to see its models.',
  },
  artifact_unknown: {
    status: 404,
    title: 'Unknown artifact',
    message: 'No such artifact: {path}',
    next: 'List the artifacts of the run or model.',
  },
  artifact_elsewhere: {
    status: 400,
    title: 'Artifacts are kept elsewhere',
    message: 'the artifacts are at {uri}, which this server does not serve',
    next: 'Read them from there, or leave the artifact location of the experiment to the server.',
  },
  // registry
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
  // data
  dataset_unreadable: {
    status: 422,
    title: 'Data cannot be read',
    message: '{source} cannot be read as {format}: {problem}',
    next: 'Check that the file exists, that the server may read it, and that it is whole CSV (with a header) or Parquet.',
  },
  dataset_empty: {
    status: 422,
    title: 'No rows',
    message: '{source} has no rows',
    next: 'Register data that has at least one row.',
  },
  column_unknown: {
    status: 422,
    title: 'Unknown column',
    message: '{field}: dataset "{dataset}" has no column "{column}" (in {source}); {hint}',
    next: 'Name a column that exists, or add it to the data.',
  },
  column_type: {
    status: 422,
    title: 'Wrong column type',
    message: '{field}: column "{column}" of dataset "{dataset}" holds {type}, expected {expected}',
    next: 'Convert the column, or name another one.',
  },
  split_impossible: {
    status: 422,
    title: 'Cannot be split by time',
    message: 'dataset "{dataset}" has fewer than two different times in column "{column}"',
    next: 'Register data over a longer time, or name another time column.',
  },
  dataset_untimed: {
    status: 422,
    title: 'No time column',
    message: 'version {version} of dataset "{dataset}" was registered without a time column',
    next: 'Register it again and name its time column.',
  },
  contract_broken: {
    status: 422,
    title: 'Does not fit the data contract',
    message: '{subject} does not fit dataset "{dataset}" version {version}: {problems}',
    next: 'Correct the names and types, or register a dataset version that has these columns.',
  },
  // pipelines
  step_kind_unknown: {
    status: 400,
    title: 'Unknown step kind',
    message: 'there is no step kind "{kind}"',
    next: 'Use one of {known}.',
  },
  step_output_invalid: {
    status: 422,
    title: 'Step result refused',
    message: 'a step of kind {kind} returned something else than it declares: {problem}',
    next: 'Worker and control may be of different versions: restart both from the same one.',
  },
  step_timed_out: {
    status: 422,
    title: 'Step took too long',
    message: 'the {kind} step was stopped after {timeout}',
    next: 'Read its log to see where it hung; if it needs longer, raise train.timeout in the loop file.',
  },
  // train
  train_python_missing: {
    status: 422,
    title: 'Python missing',
    message: 'train.run needs "{program}", which cannot be started: {problem}',
    next: 'Install Python 3.11 and the packages of the script (make python), or name another with MILLRACE_PYTHON.',
  },
  train_command_invalid: {
    status: 422,
    title: 'Training command refused',
    message: 'train.run: {problem}',
    next: 'Write one program with its arguments, e.g. python train.py --data ${data}.',
  },
  train_script_failed: {
    status: 422,
    title: 'Training script failed',
    message: '"{command}" ended with {ending}: {lastLines}',
    next: 'Read the whole log of the step, correct the script, apply the loop file again and retry the turn.',
  },
  train_no_model: {
    status: 422,
    title: 'No model logged',
    message: 'the training script ended well but logged no model (runs: {runs})',
    next: 'Call mlflow.<flavor>.log_model(...) in the script, apply the loop file again and retry the turn.',
  },
  // loop
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
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorCatalogue;

/** An error with an entry in the catalogue. `detail` is the message for people, filled in. */
export class MillraceError extends Error {
  override readonly name = 'MillraceError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly title: string;
  readonly next: string;
  readonly params: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, params: Readonly<Record<string, unknown>>, cause?: unknown) {
    const entry: ErrorEntry = errorCatalogue[code];
    const fill = (template: string) =>
      template.replace(/\{(\w+)\}/g, (_, key: string) => String(params[key] ?? ''));
    super(fill(entry.message), cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = entry.status;
    this.title = entry.title;
    this.next = fill(entry.next);
    this.params = params;
  }
}

/** Makes the error of a code: `throw fail('not_found', { kind: 'run', id })`. */
export function fail(
  code: ErrorCode,
  params: Readonly<Record<string, unknown>> = {},
  cause?: unknown,
): MillraceError {
  return new MillraceError(code, params, cause);
}
