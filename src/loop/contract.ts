/**
 * What the loop shows to the outside: the loop file, the loop, and its turns. A turn is one go round the
 * circle: trigger, training, judging, rollout, and how it ended. Browser-safe.
 */

export * from './contract/comparison-text.ts';
export * from './contract/deployment.ts';
export * from './contract/duration.ts';
export * from './contract/look.ts';
export * from './contract/loop.ts';
export * from './contract/loop-file.ts';
export * from './contract/plan.ts';
export * from './contract/rollout.ts';
export * from './contract/shadow.ts';
export * from './contract/turn.ts';
