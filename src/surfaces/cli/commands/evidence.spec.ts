import type { CommandSpec } from '../command.ts';

export const evidenceCommands: readonly CommandSpec[] = [
  {
    name: 'audit',
    summary: 'who did what, when and why, newest first',
    positionals: [],
    options: {
      actor: { summary: 'who: a name, or kind:name (user:anna)', value: '<who>' },
      action: { summary: 'what: registry:promote, turn:approve, …', value: '<action>' },
      kind: { summary: 'kind of thing: turn, model-version, endpoint, …', value: '<kind>' },
      subject: { summary: 'which thing: flight-delay/3', value: '<id>' },
      from: { summary: 'since a time (2001-02-03T04:05:06Z) or for the last 2h', value: '<time>' },
      to: { summary: 'before a time', value: '<time>' },
      text: { summary: 'words in the reason, the action or the thing', value: '<words>' },
      limit: { summary: 'how many at most (50)', value: '<n>' },
    },
    example: 'audit --kind turn --from 7d --text canary',
    load: async () => (await import('./audit.ts')).audit,
  },
  {
    name: 'card',
    summary: 'the model card of a version, as Markdown',
    positionals: ['<model>', '<version>'],
    options: {},
    example: 'card flight-delay 4',
    load: async () => (await import('./card.ts')).card,
  },
  {
    name: 'erase',
    summary: 'erase an entity from the prediction log, its labels and files made of them, for good',
    positionals: [],
    options: {
      entity: { summary: 'who or what, as requests name it', value: '<entity>', required: true },
      reason: {
        summary: 'why, for the audit log; must not name the entity',
        value: '<text>',
        required: true,
      },
      endpoint: { summary: 'only what this endpoint logged (all)', value: '<endpoint>' },
    },
    example: 'erase --entity customer-81 --reason "request 2026-117"',
    load: async () => (await import('./erase.ts')).erase,
  },
];
