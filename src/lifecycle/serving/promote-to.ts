import { fail } from '../../core/errors.ts';
import type { Actor } from '../../platform/access/index.ts';
import type { EndpointRoute } from './contract.ts';
import { armOf, challenged, deployed } from './route-changes.ts';
import { newSalt, type RouteWriter } from './route-writer.ts';
import type { StoredEndpoint } from './store.ts';

/** Where a champion goes on to, as what, and with which share as challenger. */
export interface PromoteTarget {
  readonly endpoint: string;
  readonly as: 'champion' | 'challenger';
  readonly weight: number;
}

/**
 * Gives the champion of an endpoint a place at another one of the same model; a challenger where there is no champion
 * becomes champion. Both are read in the transaction that writes. Throws `not_found`, `endpoint_no_champion`,
 * `conflict` for another model.
 */
export function promoteTo(
  writer: RouteWriter,
  actor: Actor,
  name: string,
  to: PromoteTarget,
  reason: string,
): Promise<StoredEndpoint> {
  return writer.exclusively(async (tx) => {
    const { route: from } = await writer.known(name, tx);
    const { route: target } = await writer.known(to.endpoint, tx);
    const champion = armOf(from, 'champion');
    if (!champion) throw fail('endpoint_no_champion', { endpoint: name });
    if (from.model !== target.model) {
      throw fail('conflict', {
        problem: `"${to.endpoint}" serves the model ${target.model}, not ${from.model}`,
      });
    }
    const challenges = to.as === 'challenger' && armOf(target, 'champion') !== undefined;
    const change = {
      actor,
      action: challenges ? 'challenge' : 'deploy',
      reason: `from ${placeOf(from)} to ${placeOf(target)}: ${reason}`,
      evidence: {
        from: name,
        fromRouteVersion: from.routeVersion,
        fromEnvironment: from.options.environment,
      },
    } as const;
    return writer.changeIn(tx, to.endpoint, change, (now) =>
      challenges
        ? challenged(now, champion, to.weight, false, newSalt())
        : deployed(now, champion, newSalt()),
    );
  });
}

const placeOf = ({ endpoint, options }: EndpointRoute): string => options.environment ?? endpoint;
