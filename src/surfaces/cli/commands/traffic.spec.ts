import type { CommandSpec, OptionSpec } from '../command.ts';

const reason: OptionSpec = { summary: 'why, for the audit trail', value: '<text>', required: true };
const id: OptionSpec = { summary: 'which rollout; else the newest of the endpoint', value: '<id>' };

const decision = (
  name: 'advance' | 'pause' | 'resume' | 'abort' | 'promote' | 'rollback',
  summary: string,
): CommandSpec => ({
  name: `rollout ${name}`,
  summary,
  positionals: ['<endpoint>'],
  options: {
    id,
    ...(name === 'promote' ? { arm: { summary: 'which arm, where there are several', value: '<arm>' } } : {}),
    ...(name === 'advance' ? { to: { summary: 'percent of the step that is meant', value: '<n>' } } : {}),
    reason,
  },
  example: `rollout ${name} churn --reason "looked at the segments"`,
  load: async () => (await import('./rollouts.ts')).decideRollout(name),
});

export const trafficCommands: readonly CommandSpec[] = [
  {
    name: 'rollout list',
    summary: 'every rollout under way, those of loops too: where it stands and what is known so far',
    positionals: [],
    options: {
      all: { summary: 'those that have ended, too' },
      state: { summary: 'those in this state alone: running, promoted, aborted, …', value: '<state>' },
      endpoint: { summary: 'those of this endpoint alone', value: '<endpoint>' },
      model: { summary: 'those of this model alone', value: '<model>' },
      text: { summary: 'those with this in endpoint, model, loop or reason', value: '<text>' },
      order: { summary: 'newest (unless said otherwise) or oldest first', value: '<order>' },
      limit: { summary: 'how many at most (50)', value: '<n>' },
    },
    example: 'rollout list',
    load: async () => (await import('./rollout-list.ts')).listRollouts,
  },
  {
    name: 'rollouts',
    summary: 'rollouts of an endpoint, newest first',
    positionals: ['<endpoint>'],
    options: { limit: { summary: 'how many at most (20)', value: '<n>' } },
    example: 'rollouts churn',
    load: async () => (await import('./rollouts.ts')).rollouts,
  },
  {
    name: 'rollout start',
    summary: 'roll a version out step by step, judged on what comes of it; or what a plan file says',
    positionals: ['<endpoint>', '[version]'],
    options: {
      plan: { summary: 'YAML file with the plan: kind, steps, metric, guardrails, …', value: '<plan.yaml>' },
      steps: { summary: 'percent of the traffic, step by step (1,10,50,100)', value: '<list>' },
      metric: { summary: 'what decides (logLoss)', value: '<metric>' },
      again: { summary: 'although it was aborted or rolled back here and still cools down' },
      reason,
    },
    example: 'rollout start churn 2 --steps 10,50,100 --reason "trained on March"',
    load: async () => (await import('./rollouts.ts')).startRollout,
  },
  {
    name: 'rollout show',
    summary: 'where a rollout stands: arms, comparisons, guardrails, decisions',
    positionals: ['<endpoint>'],
    options: { id },
    example: 'rollout show churn',
    load: async () => (await import('./rollouts.ts')).showRollout,
  },
  {
    name: 'rollout looks',
    summary: 'the course of a rollout: what each look saw, oldest first',
    positionals: ['<endpoint>'],
    options: { id },
    example: 'rollout looks churn',
    load: async () => (await import('./rollout-evidence.ts')).looks,
  },
  {
    name: 'rollout evidence',
    summary: 'what copies say of a shadow beside the champion, rolled out or not',
    positionals: ['<endpoint>'],
    options: {
      metric: { summary: 'what labelled requests are compared by (logLoss)', value: '<metric>' },
      threshold: { summary: 'a score at or above it is a positive decision (0.5)', value: '<n>' },
      segment: { summary: 'a feature: its most frequent values are compared too', value: '<feature>' },
    },
    example: 'rollout evidence churn --segment region',
    load: async () => (await import('./rollout-evidence.ts')).evidence,
  },
  decision('advance', 'go on to the next step without waiting'),
  decision('pause', 'hold a rollout; harm is still acted on'),
  decision('resume', 'let a held rollout go on'),
  decision('abort', 'end a rollout; the champion has all traffic again'),
  decision('promote', 'make an arm of a rollout the champion'),
  decision('rollback', 'after a promotion: back to the champion from before, at once'),
  {
    name: 'endpoint split',
    summary: 'split the traffic between the champion and named versions',
    positionals: ['<endpoint>'],
    options: {
      arm: {
        summary: 'name, version and percent of an arm: b=2:30',
        value: '<arm>',
        repeat: true,
        required: true,
      },
      reason,
    },
    example: 'endpoint split churn --arm b=2:30 --arm c=3:20 --reason "three at once"',
    load: async () => (await import('./traffic.ts')).split,
  },
  {
    name: 'endpoint standby',
    summary: 'keep a version loaded and warm without traffic',
    positionals: ['<endpoint>', '<version>'],
    options: { reason },
    example: 'endpoint standby churn 2 --reason "green"',
    load: async () => (await import('./traffic.ts')).standby,
  },
  {
    name: 'endpoint switch',
    summary: 'champion and standby change places; again, and all is as before',
    positionals: ['<endpoint>'],
    options: { reason },
    example: 'endpoint switch churn --reason "green is good"',
    load: async () => (await import('./traffic.ts')).switchOver,
  },
  {
    name: 'endpoint promote-to',
    summary: 'send the champion on to another endpoint, as from staging to production',
    positionals: ['<from>', '<to>'],
    options: {
      percent: { summary: 'as challenger with this share (1)', value: '<n>' },
      champion: { summary: 'as champion at once' },
      reason,
    },
    example: 'endpoint promote-to churn-staging churn --percent 10 --reason "a quiet week"',
    load: async () => (await import('./traffic.ts')).promoteTo,
  },
  {
    name: 'endpoint token',
    summary: 'a header with which a tester chooses the arm',
    positionals: ['<endpoint>', '<arm>'],
    options: { reason },
    example: 'endpoint token churn challenger --reason "try it by hand"',
    load: async () => (await import('./traffic.ts')).token,
  },
];
