import type { ErrorEntries } from './ErrorEntry.ts';

export const feedbackErrors = {
  feature_not_logged: {
    status: 422,
    title: 'Feature not in the prediction log',
    message: 'feature "{feature}" is in no prediction of endpoint "{endpoint}"; logged are: {logged}',
    next: 'Train on features that are sent with each request, or add it to the model signature and to the requests.',
  },
  join_empty: {
    status: 422,
    title: 'No labelled predictions',
    message: 'endpoint "{endpoint}" has no labelled prediction from {range} ({waiting} wait for their label)',
    next: 'Send labels with POST /api/v1/labels, or choose a time for which they are in.',
  },
} as const satisfies ErrorEntries;
