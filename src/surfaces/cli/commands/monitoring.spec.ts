import type { CommandSpec, OptionSpec } from '../command.ts';

const limit: OptionSpec = { summary: 'how many at most (20)', value: '<n>' };

export const monitoringCommands: readonly CommandSpec[] = [
  {
    name: 'windows',
    summary: 'closed windows of an endpoint: drift, quality, health; newest first',
    positionals: ['<endpoint>'],
    options: { limit },
    example: 'windows flight-delay',
    load: async () => (await import('./monitoring.ts')).windows,
  },
  {
    name: 'alerts',
    summary: 'alerts that are not resolved',
    positionals: ['[endpoint]'],
    options: { all: { summary: 'the resolved ones too' }, limit },
    example: 'alerts flight-delay --all',
    load: async () => (await import('./monitoring.ts')).alerts,
  },
  {
    name: 'acknowledge',
    summary: 'take note of an alert',
    positionals: ['<alert>'],
    options: { reason: { summary: 'why, for the audit trail', value: '<text>', required: true } },
    example: 'acknowledge 01a1fd9e-f429-70cd-b80a-5f5a1713af2a --reason "the airline is told"',
    load: async () => (await import('./monitoring.ts')).acknowledge,
  },
];
