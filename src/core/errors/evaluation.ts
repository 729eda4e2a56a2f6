import type { ErrorEntries } from './error-entry.ts';

export const evaluationErrors = {
  evaluation_column_missing: {
    status: 422,
    title: 'Column missing',
    message: 'the data have no column "{column}", which is {role}; they have {known}',
    next: 'Correct the name in the loop file or the model signature, or evaluate on data that have the column.',
  },
  evaluation_no_rows: {
    status: 422,
    title: 'Nothing to evaluate on',
    message: 'the hold-out {holdout} holds {rows} rows, {labelled} of them with a label in "{column}"',
    next: 'Choose a hold-out that has labelled rows (data.split, data.label in the loop file).',
  },
  evaluation_class_unknown: {
    status: 422,
    title: 'Positive class not found',
    message: 'column "{column}" never holds the positive class "{positiveClass}"; it holds {found}',
    next: 'Write the class as it stands in the data.',
  },
  evaluation_class_mismatch: {
    status: 422,
    title: 'Score of another class',
    message:
      'the score of {model} is the probability of class "{scored}", the positive class is "{positiveClass}"',
    next: 'Encode the label so that the positive class comes second (0 and 1, or false and true), and train again.',
  },
  evaluation_no_score: {
    status: 422,
    title: 'Model without score',
    message: '{model} gives no score that could be evaluated: its outputs are {outputs}',
    next: 'Export a classifier with probabilities (predict_proba), so that one output is the probability.',
  },
} as const satisfies ErrorEntries;
