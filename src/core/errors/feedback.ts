import type { ErrorEntries } from './error-entry.ts';

export const feedbackErrors = {
  prediction_of_rows: {
    status: 404,
    title: 'Id of a request of several rows',
    message:
      'no prediction has the id "{id}", but one has "{first}": each row of a request has its id and its number, from 0',
    next: 'Ask for the row that is meant, the first with GET /api/v1/predictions/{first}.',
  },
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
  replay_empty: {
    status: 422,
    title: 'Nothing to replay',
    message: 'endpoint "{endpoint}" has no answered prediction with its features in the log from {range}',
    next: 'Choose a time in which it was asked; rows whose features are not logged (options.log) cannot be replayed.',
  },
  logged_features_unusable: {
    status: 422,
    title: 'Features not in the log',
    message: 'the log of endpoint "{endpoint}" does not say there what the model was asked: {problem}',
    next: 'Choose a time in which its options.log left these features as they are, or score a file that has them with POST /api/v1/batch-predictions.',
  },
  replay_unanswered: {
    status: 422,
    title: 'No row of a replay was answered',
    message: 'version {version} of {model} answered none of the {rows} rows; of the first it said: {problem}',
    next: 'Choose another version, or a time in which what this version takes was asked and logged (options.log).',
  },
  label_type_wrong: {
    status: 422,
    title: 'Label of another type',
    message: '{field} is {value}; this endpoint takes {expected}',
    next: 'Send the value in that type, or declare another labelType with PUT /api/v1/feedback-settings/<endpoint>.',
  },
  label_time_impossible: {
    status: 422,
    title: 'Time of a label is impossible',
    message: '{field} is {value}, which {problem}',
    next: 'Send when the truth became known: RFC 3339 with its zone (no zone is taken as UTC) or epoch milliseconds; at most 10 min ahead of the clock of control. Leave out a label whose time is not known yet.',
  },
  label_query_failed: {
    status: 422,
    title: 'Query for labels failed',
    message: 'label query "{name}": {problem}',
    next: 'Correct the query, its URL or its columns with PUT /api/v1/label-queries/<name>, then POST …/run.',
  },
  segment_unreadable: {
    status: 422,
    title: 'Segment of the log cannot be read',
    message: 'segment {id} is not taken into the prediction log: {problem}',
    next: 'Send the Parquet file that the replica made of its segment, with the number of its rows.',
  },
  label_upload_invalid: {
    status: 422,
    title: 'File of labels cannot be read',
    message: 'the file of labels: {problem}',
    next: 'Send CSV with a header, or Parquet, with the columns prediction_id (or entity and at), value and event_time.',
  },
} as const satisfies ErrorEntries;
