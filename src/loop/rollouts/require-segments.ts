import { fail } from '../../core/errors.ts';
import type { Digest } from '../../core/json.ts';
import { nearestName } from '../../core/nearest-name.ts';
import type { RolloutSpec } from '../contract.ts';

/** Most names that a refusal lists. */
const mostListed = 10;

/**
 * Refuses a plan that protects what the log will never have: a feature that none of the models takes, or one that is
 * redacted. Its rollout would wait for it until its time is over. Throws `invalid_input`.
 *
 * @param digests packages of the champion and of the arms
 * @param redacted features that the endpoint never writes
 */
export async function requireSegments(
  { segments }: RolloutSpec,
  digests: readonly Digest[],
  redacted: readonly string[],
  featuresOf: (packageDigest: Digest) => Promise<readonly string[]>,
): Promise<void> {
  if (segments.length === 0) return;
  const names = [...new Set((await Promise.all(digests.map(featuresOf))).flat())];
  for (const [i, segment] of segments.entries()) {
    const refuse = (problem: string) => fail('invalid_input', { field: `body.plan.segments[${i}]`, problem });
    if (redacted.includes(segment))
      throw refuse(
        `"${segment}" is redacted in the log of this endpoint (options.log.redact), so nothing can be told by it; leave it out`,
      );
    if (names.includes(segment)) continue;
    const guess = nearestName(segment, names);
    const more = names.length > mostListed ? ` and ${names.length - mostListed} more` : '';
    const hint = guess
      ? `did you mean "${guess}"?`
      : `they are ${names.slice(0, mostListed).join(', ')}${more}`;
    throw refuse(`expected a feature that the models take, not "${segment}"; ${hint}`);
  }
}
