import type { CommandSpec, OptionSpec } from '../command.ts';

const limit: OptionSpec = { summary: 'how many at most (20)', value: '<n>' };

export const workCommands: readonly CommandSpec[] = [
  {
    name: 'steps',
    summary: 'steps of all turns, or of one, newest first',
    positionals: ['[turn]'],
    options: { limit },
    example: 'steps flight-delay/3',
    load: async () => (await import('./steps.ts')).steps,
  },
  {
    name: 'logs',
    summary: 'what a step wrote; of a turn, its last step',
    positionals: ['<step-run or turn>'],
    options: { follow: { summary: 'go on until the step ends; exit code 1 if it fails' } },
    example: 'logs flight-delay/3 --follow',
    load: async () => (await import('./logs.ts')).logs,
  },
  {
    name: 'jobs',
    summary: 'the queue of work, newest first',
    positionals: [],
    options: {
      status: { summary: 'queued, leased, done, failed or cancelled', value: '<status>' },
      kind: { summary: 'for instance step:train', value: '<kind>' },
      limit,
    },
    example: 'jobs --status failed',
    load: async () => (await import('./jobs.ts')).jobs,
  },
];
