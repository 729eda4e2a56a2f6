/** By what the list of rollouts is narrowed; alone, so that the addresses need no more of it. */

export const ROLLOUT_KINDS = ['canary', 'split', 'bandit'] as const;
export type RolloutKind = (typeof ROLLOUT_KINDS)[number];

/** How it stands: under way, promoted, taken back from its traffic, or over without a verdict. */
export const ROLLOUT_STANDINGS = ['open', 'promoted', 'taken-back', 'ended'] as const;
export type RolloutStanding = (typeof ROLLOUT_STANDINGS)[number];
