/** By what the list of rollouts is narrowed; alone, so that the addresses need no more of it. */

export const ROLLOUT_KINDS = ['canary', 'split', 'bandit'] as const;
export type RolloutKind = (typeof ROLLOUT_KINDS)[number];

/** How it stands, as the server narrows by it: under way, or how it ended. */
export const ROLLOUT_STANDINGS = ['open', 'promoted', 'aborted', 'rolled-back', 'ended'] as const;
export type RolloutStanding = (typeof ROLLOUT_STANDINGS)[number];
