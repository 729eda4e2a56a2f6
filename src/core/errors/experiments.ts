import type { ErrorEntries } from './error-entry.ts';

export const experimentsErrors = {
  // Messages are MLflow's own where its clients may see them.
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
    next: "Write comparisons joined by AND, OR and NOT, for instance: metrics.auc > 0.7 AND params.model = 'lgbm' (docs/search.md).",
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
  experiment_name_taken: {
    status: 409,
    title: 'Name taken meanwhile',
    message:
      'Experiment(name={name}) already exists, so experiment {id} cannot be brought back under that name.',
    next: 'Bring it back under another name: POST /api/v1/experiments/<id>/restore with {"name": "…"}; or rename the other one first.',
  },
  purge_begun: {
    status: 409,
    title: 'Being purged',
    message: 'the {kind} {id} is being removed for good; part of it may be gone',
    next: 'There is no way back. Delete things only when they may go, or lengthen the setting purgeAfter.',
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
    message: '{problem}',
    next: 'Read the tags of the resource first.',
  },
  logged_model_unknown: {
    status: 404,
    title: 'Unknown logged model',
    message: "Logged model with ID '{id}' not found.",
    next: 'Open the run that logged it to see its models.',
  },
  trace_unknown: {
    status: 404,
    title: 'Unknown trace',
    message: '{problem}',
    next: 'List the traces with GET /api/v1/traces.',
  },
  assessment_unknown: {
    status: 404,
    title: 'Unknown assessment',
    message: '{problem}',
    next: 'Read the trace to see its assessments.',
  },
  artifact_unknown: {
    status: 404,
    title: 'Unknown artifact',
    message: "No such artifact: '{path}'",
    next: 'List the artifacts of the run or model.',
  },
  artifact_no_table: {
    status: 422,
    title: 'No table to show',
    message: "'{path}' cannot be shown as a table: {problem}",
    next: 'Download it, and open it with a program that reads it.',
  },
  artifact_root_refused: {
    status: 403,
    title: 'Directory not served',
    message: 'the artifacts are at {uri}, which this server does not read: {problem}',
    next: '{next}',
  },
  presigned_unsupported: {
    status: 501,
    title: 'Not possible with this storage',
    message: '{what} is not supported for the current artifact repository',
    next: 'Send and read artifacts through the server; only S3 gives ways past it.',
  },
  artifact_elsewhere: {
    status: 400,
    title: 'Artifacts are kept elsewhere',
    message: 'the artifacts are at {uri}, which this server does not serve',
    next: 'Read them from there, or leave the artifact location of the experiment to the server.',
  },
  import_unknown: {
    status: 404,
    title: 'Unknown import',
    message: 'import "{id}" does not exist',
    next: 'List the imports with GET /api/v1/imports.',
  },
  import_finished: {
    status: 409,
    title: 'Import is over',
    message: 'import "{id}" is finished',
    next: 'Begin another with POST /api/v1/imports; what is here already is not doubled.',
  },
  import_item_foreign: {
    status: 409,
    title: 'Not of this import',
    message: '{kind} {id} was not made by this import, so it is left as it is',
    next: 'Announce it with POST /api/v1/imports/<id>/runs or /logged-models first; one that was here before the import is never changed.',
  },
  import_columns_uneven: {
    status: 400,
    title: 'Columns of unequal length',
    message: 'metric {key} of run {runId}: steps, timesMs and values differ in length',
    next: 'Send one step, one time and one value for each point.',
  },
} as const satisfies ErrorEntries;
