import { fail, MillraceError } from '../../core/errors.ts';
import { type Actor, authorize } from '../../platform/access/index.ts';
import type { EraseHook } from '../../platform/registries/index.ts';
import type { EraseEntity, Erasure } from './contract.ts';

/** Shorter ones are in many words by chance. */
const tellingLength = 4;

/** Erases an entity wherever the parts of Millrace hold it. Each part audits what it did; none names the entity. */
export class ErasureService {
  readonly #collect: () => Promise<void>;
  readonly #hooks: readonly EraseHook<Actor>[];

  /** @param deps.collect has replicas send what they have logged so far; throws `replicas_unsealed` */
  constructor(deps: { readonly collect: () => Promise<void>; readonly hooks: readonly EraseHook<Actor>[] }) {
    this.#collect = deps.collect;
    this.#hooks = deps.hooks;
  }

  /**
   * Has every part erase the entity, one after the other; the same again finds nothing. A replica that is away now is
   * told of: its rows go when they arrive. Throws `invalid_input` for a reason that names the entity.
   */
  async erase(actor: Actor, { entity, endpoint, reason }: EraseEntity): Promise<Erasure> {
    authorize(actor, 'feedback:write');
    if (entity.length >= tellingLength && reason.includes(entity)) {
      const problem = 'it names the entity, and would stay in the audit trail for good';
      throw fail('invalid_input', { field: 'reason', problem });
    }
    const outstanding = await this.#collect().then(
      () => null,
      (error: unknown) => {
        if (error instanceof MillraceError && error.code === 'replicas_unsealed') return error.message;
        throw error;
      },
    );
    const parts: Erasure['parts'] = [];
    for (const hook of this.#hooks)
      parts.push({ name: hook.name, erased: { ...(await hook.erase(actor, { entity, endpoint, reason })) } });
    return { parts, outstanding };
  }
}
