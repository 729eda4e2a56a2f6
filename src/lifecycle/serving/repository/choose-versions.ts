import type { ModelConfig } from './model-config.ts';

/**
 * The versions that a model's policy has in service, oldest first: the newest one unless it says otherwise.
 * Those that the policy names and that do not exist are `missing`: as in Triton the others are served without them.
 *
 * @param existing in the order of their numbers
 */
export function chooseVersions(
  policy: ModelConfig['version_policy'],
  existing: readonly string[],
): { readonly wanted: readonly string[]; readonly missing: readonly string[] } {
  if (policy?.specific) {
    const named = [...new Set(policy.specific.versions)].sort((a, b) => a - b).map(String);
    const [wanted, missing] = [true, false].map((is) => named.filter((v) => existing.includes(v) === is));
    return { wanted: wanted ?? [], missing: missing ?? [] };
  }
  if (policy?.all) return { wanted: existing, missing: [] };
  const count = Math.max(1, policy?.latest?.num_versions ?? 1);
  return { wanted: existing.slice(-count), missing: [] };
}
