import type { CommandSpec, OptionSpec } from '../command.ts';

const experiment: OptionSpec = { summary: 'only the experiment of this name', value: '<name>', repeat: true };
const dryRun: OptionSpec = { summary: 'say what would be brought, and change nothing' };

export const transferCommands: readonly CommandSpec[] = [
  {
    name: 'import mlflow',
    summary: 'bring everything in from another MLflow server, or from its SQLite file',
    positionals: ['<uri>'],
    options: {
      experiment,
      'dry-run': dryRun,
      artifacts: {
        summary: 'with a SQLite file: the folder that its server keeps mlflow-artifacts: in',
        value: '<folder>',
      },
    },
    example: 'import mlflow sqlite:///mlflow.db --artifacts mlartifacts',
    load: async () => (await import('./import-mlflow.ts')).importMlflow,
  },
  {
    name: 'import export',
    summary: 'bring back what "export" wrote',
    positionals: ['<directory>'],
    options: { experiment, 'dry-run': dryRun },
    example: 'import export backup',
    load: async () => (await import('./export-to.ts')).importExport,
  },
  {
    name: 'import parquet',
    summary: 'bring in a long table of run, key, step, time and value, as W&B and Neptune export it',
    positionals: ['<file>'],
    options: {
      format: { summary: 'long (as it is without), wandb or neptune', value: '<format>' },
      column: {
        summary: 'a column that is called otherwise: run, key, step, time, value, experiment, type or config',
        value: '<role=column>',
        repeat: true,
      },
      into: { summary: 'the experiment (the column for it, else the file’s name)', value: '<name>' },
      experiment,
      'dry-run': dryRun,
    },
    example: 'import parquet history.parquet --format wandb --column run=run_name',
    load: async () => (await import('./import-parquet.ts')).importParquet,
  },
  {
    name: 'export',
    summary: 'write experiments, runs, models and their files as Parquet and files',
    positionals: ['<directory>'],
    options: { experiment },
    example: 'export backup',
    load: async () => (await import('./export-to.ts')).exportTo,
  },
];
