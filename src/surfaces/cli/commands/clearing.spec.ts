import type { CommandSpec } from '../command.ts';

export const clearingCommands: readonly CommandSpec[] = [
  {
    name: 'trash',
    summary: 'experiments, runs and logged models that are deleted and can be brought back',
    positionals: [],
    options: { limit: { summary: 'how many at most (20)', value: '<n>' } },
    example: 'trash',
    load: async () => (await import('./trash.ts')).trash,
  },
  {
    name: 'gc',
    summary: 'remove for good what was deleted, and blobs that nothing refers to',
    positionals: [],
    options: {
      'dry-run': { summary: 'count only' },
      'older-than': {
        summary: 'only what was deleted that long ago, e.g. 7d or 0 (the setting purgeAfter)',
        value: '<duration>',
      },
      'experiment-ids': { summary: 'only of these experiments, with commas between', value: '<ids>' },
    },
    example: 'gc --older-than 7d --dry-run',
    load: async () => (await import('./gc.ts')).gc,
  },
];
