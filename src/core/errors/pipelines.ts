import type { ErrorEntries } from './error-entry.ts';

export const pipelinesErrors = {
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
} as const satisfies ErrorEntries;
