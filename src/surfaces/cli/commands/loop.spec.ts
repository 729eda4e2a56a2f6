import type { CommandSpec, OptionSpec } from '../command.ts';

const reason: OptionSpec = {
  summary: 'why, for the audit trail',
  value: '<text>',
  required: true,
};
const limit: OptionSpec = { summary: 'how many at most (20)', value: '<n>' };

const turnDecision = (name: 'approve' | 'reject' | 'abort' | 'retry', summary: string): CommandSpec => ({
  name,
  summary,
  positionals: ['<turn>'],
  options: { reason },
  example: `${name} flight-delay/3 --reason "looked at the segments"`,
  load: async () => (await import('./decide.ts')).decide(name),
});

const hold = (name: 'pause' | 'resume', summary: string): CommandSpec => ({
  name,
  summary,
  positionals: ['<loop>'],
  options: { reason },
  example: `${name} flight-delay --reason "the upstream feed is broken"`,
  load: async () => (await import('./hold.ts')).hold(name),
});

export const loopCommands: readonly CommandSpec[] = [
  {
    name: 'apply',
    summary: 'put a loop file in force; the same again changes nothing',
    positionals: ['<loop.yaml>'],
    options: {
      include: {
        summary: 'file or folder that training needs beside its own Python modules',
        value: '<path>',
        repeat: true,
      },
      upload: { summary: 'send the data to control even if it runs on this machine' },
    },
    example: 'apply examples/flights/loop.yaml',
    load: async () => (await import('./apply.ts')).apply,
  },
  {
    name: 'loops',
    summary: 'all loops and what each waits for',
    positionals: [],
    options: { limit },
    example: 'loops',
    load: async () => (await import('./loops.ts')).loops,
  },
  {
    name: 'status',
    summary: 'the server, or where one loop stands',
    positionals: ['[loop]'],
    options: {},
    example: 'status flight-delay',
    load: async () => (await import('./status.ts')).status,
  },
  {
    name: 'turns',
    summary: 'turns, newest first',
    positionals: ['[loop]'],
    options: { limit },
    example: 'turns flight-delay',
    load: async () => (await import('./turns.ts')).turns,
  },
  {
    name: 'turn',
    summary: 'one turn: gates, rollout, steps, decisions',
    positionals: ['<turn>'],
    options: {},
    example: 'turn flight-delay/3',
    load: async () => (await import('./turns.ts')).turn,
  },
  {
    name: 'trigger',
    summary: 'ask for a turn now',
    positionals: ['<loop>'],
    options: {
      reason,
      param: { summary: 'training parameter of this turn', value: '<name=value>', repeat: true },
      dataset: { summary: 'train on this dataset instead of the log', value: '<name[@version] or id>' },
      run: { summary: 'training command of this turn', value: '<command>' },
    },
    example: 'trigger flight-delay --param C=0.1 --reason "try less regularisation"',
    load: async () => (await import('./trigger.ts')).trigger,
  },
  turnDecision('approve', 'let a turn that waits for a person go on'),
  turnDecision('reject', 'refuse a turn that waits for a person'),
  turnDecision('abort', 'end a turn at once; the champion has all traffic again'),
  turnDecision('retry', 'go on with a failed turn where it failed'),
  hold('pause', 'hold a loop; harm of a rollout is still acted on'),
  hold('resume', 'let a held loop go on'),
];
