import type { ErrorEntries } from './error-entry.ts';

export const cliErrors = {
  local_file_unreadable: {
    status: 400,
    title: 'File cannot be read',
    message: '{file} cannot be read: {problem}',
    next: 'Check the name: it starts at the folder that you are in, or, in a loop file, at the folder of that file.',
  },
  local_file_unwritable: {
    status: 400,
    title: 'File cannot be written',
    message: '{file} cannot be written: {problem}',
    next: 'Name another file with --out, or make room; a file that was there before is as it was.',
  },
  answer_unknown: {
    status: 502,
    title: 'Answer not understood',
    message: '{url} answered in a form that this millrace does not know ({problem})',
    next: 'Name control with --url or MILLRACE_URL, and use the same version of the millrace command and of the server.',
  },
  deployment_unpackaged: {
    status: 422,
    title: 'Not packaged',
    message: 'the model could not be packaged: {problem}',
    next: 'Read the step with "millrace logs {stepRunId}", correct the cause and deploy again.',
  },
  import_source_unreadable: {
    status: 502,
    title: 'Source cannot be read',
    message: '{source} cannot be read: {problem}',
    next: 'Check the address or path, and start the same command again: what is here already is not brought twice.',
  },
  import_source_refused: {
    status: 502,
    title: 'Source refuses',
    message: '{source} refuses: {problem}',
    next: 'Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, if it asks who you are.',
  },
  mlflow_revision_unknown: {
    status: 422,
    title: 'Unknown MLflow schema',
    message: '{source} has the schema revision {revision}, which this millrace does not know',
    next: 'Start that MLflow server and import from its URL instead, or use a newer millrace.',
  },
  export_invalid: {
    status: 422,
    title: 'Not a whole export',
    message: '{file}: {problem}',
    next: 'Name the folder that "millrace export" wrote, or write it again; an export is whole when its manifest.json is there.',
  },
  export_folder_unusable: {
    status: 400,
    title: 'Folder cannot be made',
    message: '{directory} cannot be made: {problem}',
    next: 'Name a folder that you may write to.',
  },
  export_folder_taken: {
    status: 409,
    title: 'Folder is not empty',
    message: '{directory} holds {file} already',
    next: 'Name an empty folder, or one that does not exist yet.',
  },
  export_digest_wrong: {
    status: 502,
    title: 'Bytes are not what they should be',
    message: '{file} came with the digest {digest} instead of {wanted}',
    next: 'Start the export again; if it happens again, the blob is damaged: see the log of control.',
  },
  long_table_column: {
    status: 400,
    title: 'Column not found',
    message: '{file}: {problem}',
    next: 'Name columns that are called otherwise with --column role=column.',
  },
  long_table_value: {
    status: 400,
    title: 'Value refused',
    message: '{file}: row {row}: column {column} is {value}, which {problem}',
    next: 'Correct or remove the row; nothing was imported.',
  },
  transfer_experiment_unknown: {
    status: 404,
    title: 'Unknown experiment',
    message: 'there is no experiment "{name}" to bring; {hint}',
    next: 'See which there are with --dry-run and without --experiment.',
  },
} as const satisfies ErrorEntries;
