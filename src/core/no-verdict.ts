/** Statuses of logged rows that say nothing about the version beside them: the caller left, or another version failed. */
export const noVerdictStatuses: readonly string[] = ['cancelled', 'other_arm_failed'];
