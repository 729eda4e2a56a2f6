import type { ErrorEntries } from './error-entry.ts';

export const dataErrors = {
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
} as const satisfies ErrorEntries;
