import { errorMessage } from '../../core/error-message.ts';
import { fail, MillraceError } from '../../core/errors.ts';
import { uuidv7 } from '../../core/ids.ts';
import { type Clock, formatTime } from '../../core/time.ts';
import { type Actor, authorize } from '../../platform/access/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import { Recurring } from '../../platform/recurring/index.ts';
import type { EraseHook, EraseRequest } from '../../platform/registries/index.ts';
import type { SecretBox } from '../../platform/secrets/index.ts';
import type { EraseEntity, Erasure, ErasureResult } from './contract.ts';
import { ErasureStore, type StoredErasure } from './store.ts';

/** Shorter ones are in many words by chance. */
const tellingLength = 4;
/** How often it is looked for erasures that are due. */
const lookMs = 5000;
/** From an attempt that broke off to the next one. */
const retryMs = 30_000;

/** What has an entity and stays as it is. */
export type LeftBehind = (
  asked: Pick<EraseEntity, 'entity' | 'endpoint'>,
) => Promise<readonly ErasureResult['left'][number][]>;

/** What was hashed so that an entity is not found in it. */
type OtherKeys = (
  asked: Pick<EraseEntity, 'entity' | 'endpoint'>,
) => Promise<readonly ErasureResult['otherKeys'][number][]>;

interface ErasureDeps {
  readonly db: Database;
  /** Keeps whose data goes until it is gone. */
  readonly secrets: SecretBox;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether an endpoint of this name is known. */
  readonly endpointExists: (endpoint: string) => Promise<boolean>;
  /** Has replicas send what they have logged so far; throws `replicas_unsealed`. */
  readonly collect: () => Promise<void>;
  readonly hooks: readonly EraseHook<Actor>[];
  /** Names what has the entity and is not erased. */
  readonly left: LeftBehind;
  readonly otherKeys: OtherKeys;
}

/**
 * Erases entities wherever the parts of Millrace hold them: one erasure after the other, each until it is done, across
 * restarts too. Each part audits what it did; none names the entity.
 */
export class ErasureService {
  readonly #deps: ErasureDeps;
  readonly #store: ErasureStore;
  readonly #looks = new Recurring();
  #working: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(deps: ErasureDeps) {
    this.#deps = deps;
    this.#store = new ErasureStore(deps.db);
  }

  /**
   * Takes an erasure on; it is done behind the answer. The same again finds nothing. Throws `invalid_input` for a reason
   * that names the entity, `not_found` for an endpoint that is not there: a mistyped one has nothing to erase, which would
   * look as if it were done.
   */
  async begin(actor: Actor, { entity, endpoint, reason }: EraseEntity): Promise<Erasure> {
    authorize(actor, 'feedback:write');
    const { db, secrets, clock, endpointExists } = this.#deps;
    if (entity.length >= tellingLength && reason.includes(entity)) {
      const problem = 'it names the entity, and would stay in the audit trail for good';
      throw fail('invalid_input', { field: 'reason', problem });
    }
    if (endpoint !== null && !(await endpointExists(endpoint))) {
      throw fail('not_found', { kind: 'endpoint', id: endpoint, list: '/api/v1/endpoints' });
    }
    const nowMs = clock.nowMs();
    const erasure: StoredErasure = {
      id: uuidv7(nowMs),
      sealedEntity: secrets.seal(entity),
      endpoint,
      reason,
      actor,
      status: 'queued',
      attempts: 0,
      problem: null,
      result: { parts: [], outstanding: null, otherKeys: [], left: [] },
      requestedAtMs: nowMs,
      nextAttemptAtMs: nowMs,
      endedAtMs: null,
    };
    await db.write((tx) => this.#store.put(tx, erasure));
    this.#lookNow();
    return shown(erasure);
  }

  /** Throws `not_found`. */
  async get(actor: Actor, id: string): Promise<Erasure> {
    authorize(actor, 'read');
    const erasure = await this.#store.byId(id);
    if (!erasure) throw fail('not_found', { kind: 'erasure', id, list: '/api/v1/erasures' });
    return shown(erasure);
  }

  /** Newest first, before an id. */
  async list(
    actor: Actor,
    page: { readonly limit: number; readonly afterId?: string | undefined },
  ): Promise<readonly Erasure[]> {
    authorize(actor, 'read');
    return (await this.#store.list(page)).map(shown);
  }

  /** Goes on with those that a stop broke off, and looks for others that are due from now on. */
  start(): void {
    const { log } = this.#deps;
    this.#looks.start({ everyMs: lookMs, doing: 'looking for erasures', run: () => this.#look(), log });
    this.#lookNow();
  }

  /** Begins no other one. One that is under way is gone on with at the next start where it does not end. */
  stop(): void {
    this.#stopped = true;
    this.#looks.stop();
  }

  /** What fails is tried again, and told of, at the next look. */
  #lookNow(): void {
    this.#look().catch(() => undefined);
  }

  /** Works off what is due, one after the other; who looks meanwhile looks once more behind that. */
  #look(): Promise<void> {
    const own = this.#working.then(() => this.#workOff());
    this.#working = own.catch(() => undefined);
    return own;
  }

  async #workOff(): Promise<void> {
    const ids = (await this.#store.open()).map(({ id }) => id);
    for (const id of ids) {
      if (this.#stopped) return;
      const erasure = await this.#store.byId(id);
      // Nobody else works on them: one that is under way broke off.
      if (erasure && (erasure.nextAttemptAtMs ?? 0) <= this.#deps.clock.nowMs()) await this.#attempt(erasure);
    }
  }

  async #attempt(queued: StoredErasure): Promise<void> {
    const { db, secrets, clock, log } = this.#deps;
    let now: StoredErasure = {
      ...queued,
      status: 'running',
      attempts: queued.attempts + 1,
      nextAttemptAtMs: null,
    };
    const keep = async (next: Partial<StoredErasure>) => {
      now = { ...now, ...next };
      await db.write((tx) => this.#store.put(tx, now));
    };
    await keep({});
    try {
      const entity = secrets.open(queued.sealedEntity ?? '');
      const { endpoint, reason, actor, result } = queued;
      await this.#erase(actor, { entity, endpoint, reason }, result, (done) => keep({ result: done }));
      await keep({ status: 'done', sealedEntity: null, problem: null, endedAtMs: clock.nowMs() });
      await db.scrub();
    } catch (err) {
      const nextAttemptAtMs = clock.nowMs() + retryMs;
      const problem = errorMessage(err);
      await keep({ status: 'queued', problem, nextAttemptAtMs });
      log.error({ err, erasure: queued.id }, `an erasure broke off, and is tried again: ${problem}`);
    }
  }

  /**
   * Has every part erase the entity, one after the other; those that an earlier attempt came to the end of are not asked
   * again. A replica that is away is told of: its rows go when they arrive.
   */
  async #erase(
    actor: Actor,
    request: EraseRequest,
    before: ErasureResult,
    keep: (result: ErasureResult) => Promise<void>,
  ): Promise<void> {
    const { collect, hooks, left, otherKeys } = this.#deps;
    let result: ErasureResult = { ...before, outstanding: await outstandingOf(collect) };
    result = { ...result, left: [...(await left(request))] };
    for (const hook of hooks) {
      if (result.parts.some(({ name }) => name === hook.name)) continue;
      const erased = { ...(await hook.erase(actor, request)) };
      result = { ...result, parts: [...result.parts, { name: hook.name, erased }] };
      await keep(result);
    }
    await keep({ ...result, otherKeys: [...(await otherKeys(request))] });
  }
}

/** Which replicas have not sent what they logged; null: none. */
async function outstandingOf(collect: () => Promise<void>): Promise<string | null> {
  try {
    await collect();
    return null;
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'replicas_unsealed') return error.message;
    throw error;
  }
}

function shown(erasure: StoredErasure): Erasure {
  const { id, endpoint, reason, actor, status, attempts, problem, result } = erasure;
  const { requestedAtMs, nextAttemptAtMs, endedAtMs } = erasure;
  return {
    id,
    endpoint,
    reason,
    requestedBy: `${actor.kind}:${actor.id}`,
    requestedAt: formatTime(requestedAtMs),
    status,
    attempts,
    problem,
    nextAttemptAt: nextAttemptAtMs === null || attempts === 0 ? null : formatTime(nextAttemptAtMs),
    endedAt: endedAtMs === null ? null : formatTime(endedAtMs),
    ...result,
  };
}
