import { fail } from '../../core/errors.ts';
import { digestOfJson } from '../../core/json.ts';
import { type Clock, wallClock } from '../../core/time.ts';
import { type Database, tables } from '../db/index.ts';

/** How long an answer is kept for a caller that asks again. */
const keptMs = 24 * 60 * 60 * 1000;
/** A larger answer is not kept: the request runs again when it comes again. */
const longestBody = 1_000_000;
const keyPattern = /^[\x21-\x7e]{1,255}$/;

interface AnswerTables {
  kept_answers: {
    actor: string;
    key: string;
    request_digest: string;
    created_at_ms: number;
    status: number | null;
    body: string | null;
  };
}

/** A request that its caller may send again. */
export interface KeyedRequest {
  /** Who asks: the same key of another is another key. */
  readonly actor: string;
  /** The `Idempotency-Key` header. */
  readonly key: string;
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
}

/** An answer as it was given the first time. */
export interface Answer {
  readonly status: number;
  /** JSON text; null: no body. */
  readonly body: string | null;
}

/**
 * Answers of creating calls, kept for a day by the key that the caller gave, so that a call that is sent again does not
 * create again: draft-ietf-httpapi-idempotency-key-header. An error is not kept: what failed may be tried again.
 */
export class KeptAnswers {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #startedMs: number;

  constructor(db: Database, clock: Clock = wallClock) {
    this.#db = db;
    this.#clock = clock;
    this.#startedMs = clock.nowMs();
  }

  /**
   * Runs the request, or gives the answer that it got before. Throws `idempotency_key_invalid`, `idempotency_key_reused`
   * for another request with this key, `idempotency_key_busy` while the first is under way,
   * `idempotency_key_interrupted` when a restart cut it off, and what the request throws.
   *
   * @param run gives null where the answer is no JSON: then nothing is kept, and null is returned
   */
  async once(
    request: KeyedRequest,
    run: () => Promise<Answer | null>,
  ): Promise<(Answer & { readonly again: boolean }) | null> {
    if (!keyPattern.test(request.key)) throw fail('idempotency_key_invalid', { value: request.key });
    const known = await this.#begin(request);
    if (known) return { ...known, again: true };
    let answer: Answer | null;
    try {
      answer = await run();
    } catch (error) {
      await this.#forget(request);
      throw error;
    }
    const isKept = answer !== null && (answer.body?.length ?? 0) <= longestBody;
    await (answer && isKept ? this.#keep(request, answer) : this.#forget(request));
    return answer && { ...answer, again: false };
  }

  #begin({ actor, key, method, url, body }: KeyedRequest): Promise<Answer | null> {
    const digest = digestOfJson({ method, url, body: body ?? null });
    const nowMs = this.#clock.nowMs();
    return this.#db.write(async (tx) => {
      const db = tables<AnswerTables>(tx);
      await db
        .deleteFrom('kept_answers')
        .where('created_at_ms', '<', nowMs - keptMs)
        .execute();
      const row = { actor, key, request_digest: digest, created_at_ms: nowMs, status: null, body: null };
      const { numInsertedOrUpdatedRows = 0n } = await db
        .insertInto('kept_answers')
        .values(row)
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      if (numInsertedOrUpdatedRows > 0n) return null;
      const known = await db
        .selectFrom('kept_answers')
        .selectAll()
        .where('actor', '=', actor)
        .where('key', '=', key)
        .executeTakeFirstOrThrow();
      if (known.request_digest !== digest) throw fail('idempotency_key_reused', { value: key });
      if (known.status !== null) return { status: known.status, body: known.body };
      const wasCutOff = Number(known.created_at_ms) < this.#startedMs;
      throw fail(wasCutOff ? 'idempotency_key_interrupted' : 'idempotency_key_busy', { value: key });
    });
  }

  async #keep({ actor, key }: KeyedRequest, { status, body }: Answer): Promise<void> {
    await this.#db.write((tx) =>
      tables<AnswerTables>(tx)
        .updateTable('kept_answers')
        .set({ status, body })
        .where('actor', '=', actor)
        .where('key', '=', key)
        .execute(),
    );
  }

  async #forget({ actor, key }: KeyedRequest): Promise<void> {
    await this.#db.write((tx) =>
      tables<AnswerTables>(tx)
        .deleteFrom('kept_answers')
        .where('actor', '=', actor)
        .where('key', '=', key)
        .execute(),
    );
  }
}
