import type { ModelConfig } from './model-config.ts';

/**
 * The versions that a model's policy has in service, oldest first: the newest one unless it says otherwise.
 * Versions that the policy names and that do not exist come too, so that loading them can tell.
 *
 * @param existing in the order of their numbers
 */
export function chooseVersions(
  policy: ModelConfig['version_policy'],
  existing: readonly string[],
): readonly string[] {
  if (policy?.specific) return [...new Set(policy.specific.versions)].sort((a, b) => a - b).map(String);
  if (policy?.all) return existing;
  const count = Math.max(1, policy?.latest?.num_versions ?? 1);
  return existing.slice(-count);
}
