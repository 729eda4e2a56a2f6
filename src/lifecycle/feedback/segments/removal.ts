import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { uuidv7 } from '../../../core/ids.ts';
import type { Clock } from '../../../core/time.ts';
import { type Actor, systemActor } from '../../../platform/access/index.ts';
import type { Database } from '../../../platform/db/index.ts';
import { sqlLiteral, typedRows } from '../../../platform/frames/index.ts';
import type { Journal } from '../../../platform/journal/index.ts';
import type { EraseRequest } from '../../../platform/registries/index.ts';
import { oneOfSql } from '../relations.ts';
import type { Erasure, ErasureStore } from '../store/erasure-store.ts';
import type { LabelStore } from '../store/label-store.ts';
import type { FeedbackStore, RewritableSegment, SegmentFamily } from '../store.ts';
import type { LogHashKeys } from './log-hash-keys.ts';
import { type RewriteOptions, rewriteSegments } from './rewrite.ts';
import { keyOf } from './segment-filter.ts';
import type { SegmentIndex } from './segment-index.ts';
import type { SetAside } from './set-aside.ts';

interface RemovalOptions extends RewriteOptions {
  readonly db: Database;
  readonly journal: Journal;
  readonly store: FeedbackStore;
  readonly labels: LabelStore;
  readonly erasures: ErasureStore;
  readonly index: SegmentIndex;
  readonly clock: Clock;
  readonly hashKeys: LogHashKeys;
  readonly aside: SetAside;
  /** How far the clock of a replica is ahead of control's; undefined: it is not known. */
  readonly clockAheadMs: (replicaId: string) => number | undefined;
}

/** What an erasure did. */
export interface Erased {
  readonly id: string;
  readonly predictions: number;
  readonly labels: number;
  readonly waitingLabels: number;
  readonly segmentsRewritten: number;
  /** Segments that could not be looked into, as their files are gone or damaged. */
  readonly unreadableSegments: number;
}

const dayMs = 86_400_000;

const saltedHash = (salt: string, text: string): string =>
  createHash('sha256')
    .update(salt + text)
    .digest('hex');

/** Takes rows out of sealed segments: those of an entity, because somebody has the right to it, and old ones. */
export class Removal {
  readonly #options: RemovalOptions;

  constructor(options: RemovalOptions) {
    this.#options = options;
  }

  /**
   * Removes every prediction of an entity, its labels and signals. Rows that were received before this and arrive
   * later (a replica was away) go when they arrive. The entity itself is written down nowhere, only a salted hash.
   *
   * @param endpoint null: at all endpoints
   */
  async erase(actor: Actor, { entity, endpoint, reason }: EraseRequest): Promise<Erased> {
    const { db, journal, erasures, labels, store, hashKeys, clock } = this.#options;
    const salt = randomBytes(16).toString('hex');
    const erasureId = uuidv7();
    const total = { predictions: 0, labels: 0, waitingLabels: 0, segmentsRewritten: 0 };
    const written: Erasure[] = [];
    for (const text of hashKeys.entityForms(entity)) {
      const entityHash = saltedHash(salt, text);
      const one: Erasure = {
        id: uuidv7(),
        salt,
        entityHash,
        endpoint,
        receivedBeforeMs: clock.nowMs() + 1,
        rowsErased: 0,
        isDone: false,
      };
      await db.write((tx) => erasures.put(tx, one));
      written.push(one);
      total.waitingLabels += await db.write((tx) => labels.eraseWaiting(tx, text, endpoint));
      const segments = await store.rewritable('prediction', endpoint ?? undefined);
      const candidates = await this.#options.index.candidates(segments, [keyOf.entity(text)]);
      // All that is here was received before, whatever the clocks of replicas say.
      const done = await this.#eraseFrom(candidates, one, () => null);
      for (const key of ['predictions', 'labels', 'segmentsRewritten'] as const) total[key] += done[key];
    }
    await db.write(async (tx) => {
      for (const one of written)
        await erasures.put(tx, { ...one, rowsErased: total.predictions, isDone: true });
      await journal.appendAudit(tx, {
        actor,
        action: 'predictions:erase',
        subject: { kind: 'endpoint', id: endpoint ?? '*' },
        after: { erasure: erasureId, ...total },
        reason,
      });
    });
    return { id: erasureId, ...total, unreadableSegments: await this.#options.aside.count(endpoint) };
  }

  /**
   * Takes out of newly arrived segments what was erased before, and out of all segments what an erasure that broke off
   * had left. Called before they are indexed.
   */
  async eraseFromNew(): Promise<void> {
    const { erasures, store, clockAheadMs } = this.#options;
    const all = await erasures.all();
    if (all.length === 0) return;
    const replicas = await store.replicasOfNew();
    const untilMs = (erasure: Erasure) => (segment: RewritableSegment) => {
      const replica = replicas.get(segment.id);
      const aheadMs = replica === undefined ? 0 : (clockAheadMs(replica) ?? 0);
      return erasure.receivedBeforeMs + Math.max(0, aheadMs);
    };
    for (const erasure of all) if (!erasure.isDone) await this.#goOn(erasure, untilMs(erasure));
    const firstMs = new Map<string, number | undefined>();
    let fresh = await store.rewritable('prediction', undefined, 'new');
    for (const erasure of all) {
      const late: RewritableSegment[] = [];
      for (const segment of fresh) {
        if (erasure.endpoint !== null && erasure.endpoint !== segment.endpoint) continue;
        if (!firstMs.has(segment.id)) firstMs.set(segment.id, await this.#firstReceivedMs(segment));
        // Of those that are written all the time few are of before an erasure.
        if ((firstMs.get(segment.id) ?? Number.POSITIVE_INFINITY) < untilMs(erasure)(segment))
          late.push(segment);
      }
      if (late.length === 0) continue;
      await this.#eraseFrom(late, erasure, untilMs(erasure));
      // What one has taken out is in another file now.
      fresh = await store.rewritable('prediction', undefined, 'new');
    }
    await this.#eraseFromReturned(all);
  }

  /** Ends an erasure that was begun: who it was is known by a hash alone, so every segment is looked into. */
  async #goOn(erasure: Erasure, untilMs: (segment: RewritableSegment) => number): Promise<void> {
    const { db, journal, erasures, store } = this.#options;
    const segments = await store.rewritable('prediction', erasure.endpoint ?? undefined);
    const done = await this.#eraseFrom(segments, erasure, untilMs);
    await db.write(async (tx) => {
      await erasures.put(tx, {
        ...erasure,
        rowsErased: erasure.rowsErased + done.predictions,
        isDone: true,
      });
      await journal.appendAudit(tx, {
        actor: systemActor,
        action: 'predictions:erase',
        subject: { kind: 'endpoint', id: erasure.endpoint ?? '*' },
        after: { erasure: erasure.id, ...done },
        reason: 'an erasure that broke off goes on',
      });
    });
  }

  /** Takes the labels of erased predictions out of files that could not be read then and can be now. */
  async #eraseFromReturned(all: readonly Erasure[]): Promise<void> {
    const { db, erasures, store, aside } = this.#options;
    const remembered = await erasures.remembered();
    if (remembered.length === 0) return;
    const unreadable = await this.#unreadableLabels();
    for (const one of remembered) {
      const erasure = all.find(({ id }) => id === one.erasureId);
      const ids = one.idHashes.map(sqlLiteral).join(', ');
      for (const segment of erasure ? await store.rewritable('label', one.endpoint, 'new') : []) {
        const is = `received_at_ms < ${erasure?.receivedBeforeMs}
          AND sha256(${sqlLiteral(erasure?.salt ?? '')} || prediction_id) IN (${ids})`;
        await aside.reading('label', segment, async () => {
          if ((await this.#countOf(segment, is)) > 0) await this.#rewriteWithout('label', segment, is);
        });
      }
      if (!unreadable.has(one.endpoint)) await db.write((tx) => erasures.forget(tx, one));
    }
  }

  /** Endpoints with label segments that nobody can read now. */
  async #unreadableLabels(): Promise<ReadonlySet<string>> {
    const aside = await this.#options.store.aside();
    return new Set(aside.filter(({ family }) => family === 'label').map(({ endpoint }) => endpoint));
  }

  /** When the first row of a segment was received; undefined where its file cannot be read. */
  async #firstReceivedMs(segment: RewritableSegment): Promise<number | undefined> {
    const { frames, blobs, aside } = this.#options;
    return aside.reading('prediction', segment, async () => {
      const path = await blobs.path(segment.digest);
      const sql = `SELECT min(received_at_ms) AS at_ms FROM read_parquet(${sqlLiteral(path)})`;
      return (await typedRows(frames, z.object({ at_ms: z.int() }), sql))[0]?.at_ms;
    });
  }

  async #countOf(segment: RewritableSegment, condition: string): Promise<number> {
    const path = await this.#options.blobs.path(segment.digest);
    const [row] = await typedRows(
      this.#options.frames,
      z.object({ n: z.int() }),
      `SELECT count(*) AS n FROM read_parquet(${sqlLiteral(path)}) WHERE ${condition}`,
    );
    return row?.n ?? 0;
  }

  /** Removes segments whose rows are all older than their endpoint keeps them, and labels that wait for such rows. Returns how many segments. */
  async removeOld(): Promise<number> {
    const { db, store, labels, hashKeys, clock } = this.#options;
    const nowMs = clock.nowMs();
    let removed = 0;
    for (const [endpoint, { keepDays }] of await labels.allSettings()) {
      if (keepDays === null) continue;
      const limitMs = nowMs - keepDays * dayMs;
      await db.write(async (tx) => {
        await labels.dropWaiting(tx, endpoint, limitMs);
        await hashKeys.forget(tx, endpoint, limitMs);
      });
      for (const family of ['prediction', 'label'] as const) {
        const old = await store.endedBefore(family, endpoint, limitMs);
        for (const id of old) await db.write((tx) => store.replace(tx, family, [id], [], 'retention', nowMs));
        removed += old.length;
      }
    }
    return removed;
  }

  /** @param untilMs only rows of a segment that its replica received before this; null: all */
  async #eraseFrom(
    segments: readonly RewritableSegment[],
    erasure: Erasure,
    untilMs: (segment: RewritableSegment) => number | null,
  ) {
    const { frames, blobs, aside } = this.#options;
    const conditionOf = (segment: RewritableSegment): string => {
      const until = untilMs(segment);
      return `entity IS NOT NULL AND sha256(${sqlLiteral(erasure.salt)} || entity) = ${sqlLiteral(erasure.entityHash)}
        ${until === null ? '' : `AND received_at_ms < ${until}`}`;
    };
    const done = { predictions: 0, labels: 0, segmentsRewritten: 0 };
    const idsOf = new Map<string, Set<string>>();
    const hit: RewritableSegment[] = [];
    for (const segment of segments) {
      const rows = await aside.reading('prediction', segment, async () => {
        const path = await blobs.path(segment.digest);
        return typedRows(
          frames,
          z.object({ prediction_id: z.string() }),
          `SELECT prediction_id FROM read_parquet(${sqlLiteral(path)}) WHERE ${conditionOf(segment)}`,
        );
      });
      if (!rows || rows.length === 0) continue;
      const ids = idsOf.get(segment.endpoint) ?? new Set<string>();
      for (const row of rows) ids.add(row.prediction_id);
      idsOf.set(segment.endpoint, ids);
      hit.push(segment);
      done.predictions += rows.length;
    }
    // Labels first: whose they are is known by the predictions alone, also to who goes on after a crash.
    for (const [endpoint, ids] of idsOf) {
      const erased = await this.#eraseLabels(endpoint, [...ids], erasure);
      done.labels += erased.labels;
      done.segmentsRewritten += erased.segmentsRewritten;
    }
    for (const segment of hit)
      await aside.reading('prediction', segment, () =>
        this.#rewriteWithout('prediction', segment, conditionOf(segment)),
      );
    done.segmentsRewritten += hit.length;
    return done;
  }

  /** Takes the labels and signals of predictions out. */
  async #eraseLabels(endpoint: string, ids: readonly string[], { id: erasureId, salt }: Erasure) {
    const { db, erasures, store, index, aside } = this.#options;
    const wanted = oneOfSql(ids);
    const done = { labels: 0, segmentsRewritten: 0 };
    const segments = await store.rewritable('label', endpoint);
    for (const segment of await index.candidates(segments, ids.map(keyOf.predictionId))) {
      const erased = await aside.reading('label', segment, async () => {
        const count = await this.#countOf(segment, wanted);
        if (count > 0) await this.#rewriteWithout('label', segment, wanted);
        return count;
      });
      if (!erased) continue;
      done.labels += erased;
      done.segmentsRewritten++;
    }
    if ((await this.#unreadableLabels()).has(endpoint)) {
      const idHashes = ids.map((id) => saltedHash(salt, id));
      await db.write((tx) => erasures.remember(tx, { erasureId, endpoint, idHashes }));
    }
    return done;
  }

  async #rewriteWithout(family: SegmentFamily, segment: RewritableSegment, condition: string): Promise<void> {
    const { db, store, clock } = this.#options;
    const idOf = (n: number): string => (family === 'label' ? `${segment.id}.e${n}` : uuidv7());
    const keep = `NOT coalesce(${condition}, false)`;
    await rewriteSegments(this.#options, [segment], keep, idOf, (after) =>
      db.write((tx) => store.replace(tx, family, [segment.id], after, 'erasure', clock.nowMs())),
    );
  }
}
