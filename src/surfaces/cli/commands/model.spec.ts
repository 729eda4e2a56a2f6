import type { CommandSpec, OptionSpec } from '../command.ts';

const reason: OptionSpec = { summary: 'why, for the audit trail', value: '<text>', required: true };
const limit: OptionSpec = { summary: 'how many at most (50)', value: '<n>' };

export const modelCommands: readonly CommandSpec[] = [
  {
    name: 'datasets',
    summary: 'datasets, or the versions of one',
    positionals: ['[dataset]'],
    options: { limit },
    example: 'datasets flights',
    load: async () => (await import('./datasets.ts')).datasets,
  },
  {
    name: 'dataset register',
    summary: 'register a CSV or Parquet file as a dataset version',
    positionals: ['<file>'],
    options: {
      name: { summary: 'the dataset', value: '<name>', required: true },
      time: { summary: 'column with the event time', value: '<column>' },
      label: { summary: 'column with the truth', value: '<column>' },
      entity: { summary: 'column that names whom or what a row is about', value: '<column>' },
      upload: { summary: 'send the file to control even if it runs on this machine' },
    },
    example: 'dataset register january.parquet --name flights --time date --label late --entity flight_id',
    load: async () => (await import('./datasets.ts')).registerDataset,
  },
  {
    name: 'runs',
    summary: 'runs by filter and order (the grammar: docs/search.md)',
    positionals: ['[experiment]'],
    options: {
      filter: { summary: "which: metrics.auc > 0.7 AND params.model = 'lgbm'", value: '<filter>' },
      order: { summary: 'in which order: metrics.auc.max DESC, start_time', value: '<order>' },
      columns: { summary: 'what of each: name, duration, metrics.auc, params.lr', value: '<columns>' },
      deleted: { summary: 'those that were deleted' },
      csv: { summary: 'as CSV, with whole numbers and times' },
      limit,
    },
    example: 'runs flights --filter "metrics.auc > 0.7 AND age < \'7d\'" --order "metrics.auc DESC"',
    load: async () => (await import('./runs.ts')).runs,
  },
  {
    name: 'models',
    summary: 'registered models, or the versions of one',
    positionals: ['[model]'],
    options: { limit },
    example: 'models flight-delay',
    load: async () => (await import('./models.ts')).models,
  },
  {
    name: 'deploy',
    summary: 'have a registered version answer at an endpoint, without a loop',
    positionals: ['<model>', '<version>'],
    options: { endpoint: { summary: 'the endpoint (the model’s name)', value: '<name>' }, reason },
    example: 'deploy churn 1 --reason "first try"',
    load: async () => (await import('./deploy.ts')).deploy,
  },
  {
    name: 'promote',
    summary: 'make a version the champion',
    positionals: ['<model>', '<version>'],
    options: { reason },
    example: 'promote flight-delay 4 --reason "approved by the review"',
    load: async () => (await import('./models.ts')).promote,
  },
  {
    name: 'rollback',
    summary: 'make the previous champion the champion again',
    positionals: ['<model>'],
    options: { reason },
    example: 'rollback flight-delay --reason "complaints from the gate agents"',
    load: async () => (await import('./models.ts')).rollback,
  },
  {
    name: 'endpoints',
    summary: 'endpoints with their traffic',
    positionals: [],
    options: { limit },
    example: 'endpoints',
    load: async () => (await import('./endpoints.ts')).endpoints,
  },
  {
    name: 'labels',
    summary: 'send ground truth from a CSV file; without one, count what came in',
    positionals: ['<endpoint>', '[file.csv]'],
    options: {},
    example: 'labels flight-delay truth.csv',
    load: async () => (await import('./labels.ts')).labels,
  },
];
