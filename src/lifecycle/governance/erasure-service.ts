import { fail, MillraceError } from '../../core/errors.ts';
import { type Actor, authorize } from '../../platform/access/index.ts';
import type { EraseHook } from '../../platform/registries/index.ts';
import type { EraseEntity, Erasure } from './contract.ts';

/** Shorter ones are in many words by chance. */
const tellingLength = 4;

/** What has an entity and stays as it is. */
export type LeftBehind = (asked: Pick<EraseEntity, 'entity' | 'endpoint'>) => Promise<Erasure['left']>;

/** What was hashed so that an entity is not found in it. */
type OtherKeys = (
  asked: Pick<EraseEntity, 'entity' | 'endpoint'>,
) => Promise<readonly Erasure['otherKeys'][number][]>;

/** Erases an entity wherever the parts of Millrace hold it. Each part audits what it did; none names the entity. */
export class ErasureService {
  readonly #endpointExists: (endpoint: string) => Promise<boolean>;
  readonly #collect: () => Promise<void>;
  readonly #hooks: readonly EraseHook<Actor>[];
  readonly #left: LeftBehind;
  readonly #otherKeys: OtherKeys;

  /**
   * @param deps.endpointExists whether an endpoint of this name is known
   * @param deps.collect has replicas send what they have logged so far; throws `replicas_unsealed`
   * @param deps.left names what has the entity and is not erased
   */
  constructor(deps: {
    readonly endpointExists: (endpoint: string) => Promise<boolean>;
    readonly collect: () => Promise<void>;
    readonly hooks: readonly EraseHook<Actor>[];
    readonly left: LeftBehind;
    readonly otherKeys: OtherKeys;
  }) {
    this.#endpointExists = deps.endpointExists;
    this.#collect = deps.collect;
    this.#hooks = deps.hooks;
    this.#left = deps.left;
    this.#otherKeys = deps.otherKeys;
  }

  /**
   * Has every part erase the entity, one after the other; the same again finds nothing. A replica that is away now is
   * told of: its rows go when they arrive. Throws `invalid_input` for a reason that names the entity, `not_found` for
   * an endpoint that is not there: a mistyped one has nothing to erase, which would look as if it were done.
   */
  async erase(actor: Actor, { entity, endpoint, reason }: EraseEntity): Promise<Erasure> {
    authorize(actor, 'feedback:write');
    if (entity.length >= tellingLength && reason.includes(entity)) {
      const problem = 'it names the entity, and would stay in the audit trail for good';
      throw fail('invalid_input', { field: 'reason', problem });
    }
    if (endpoint !== null && !(await this.#endpointExists(endpoint))) {
      throw fail('not_found', { kind: 'endpoint', id: endpoint, list: '/api/v1/endpoints' });
    }
    const outstanding = await this.#collect().then(
      () => null,
      (error: unknown) => {
        if (error instanceof MillraceError && error.code === 'replicas_unsealed') return error.message;
        throw error;
      },
    );
    const left = [...(await this.#left({ entity, endpoint }))];
    const parts: Erasure['parts'] = [];
    for (const hook of this.#hooks)
      parts.push({ name: hook.name, erased: { ...(await hook.erase(actor, { entity, endpoint, reason })) } });
    const otherKeys = [...(await this.#otherKeys({ entity, endpoint }))];
    return { parts, outstanding, otherKeys, left };
  }
}
