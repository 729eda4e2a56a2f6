import { fail } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import type { Clock } from '../../../core/time.ts';
import type { Database } from '../../../platform/db/index.ts';
import type { Label, PostLabelsResponse, Signal } from '../contract.ts';
import type { LabelEntry, LabelLog } from '../label-log.ts';
import type { LabelStore, WaitingRow } from '../store/label-store.ts';
import { requireEventTime, requirePredictionTime, requireType } from './require-label.ts';

/** How entities are written in the prediction log of an endpoint: as they are, hashed, or not at all (null). */
export type EntityAsLogged = (endpoint: string) => Promise<(entity: string) => string | null>;

interface IntakeOptions {
  readonly db: Database;
  readonly store: LabelStore;
  readonly labels: LabelLog;
  readonly signals: LabelLog;
  readonly clock: Clock;
  readonly entityAsLogged: EntityAsLogged;
  readonly endpointExists: (endpoint: string) => Promise<boolean>;
  /** Labels by entity came for this endpoint. */
  readonly onWaiting: (endpoint: string) => void;
}

/** A label or signal on its way in; `signal` is absent in labels. */
export type Incoming = Label & { readonly signal?: Signal['signal'] };

/**
 * The one door for labels and signals, whatever way they come: REST, files, queries, rules. What it has returned
 * for is on the disk.
 */
export class Intake {
  readonly #options: IntakeOptions;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Throws `not_found` for an endpoint that nobody knows, so that labels for a mistyped one are refused. */
  async requireEndpoint(endpoint: string): Promise<void> {
    if (await this.#options.endpointExists(endpoint)) return;
    throw fail('not_found', { kind: 'endpoint', id: endpoint, list: '/api/v1/endpoints' });
  }

  /**
   * Takes all of these or none. Throws `not_found` (unknown endpoint), `invalid_time`, `label_time_impossible`,
   * `label_type_wrong`, `disk_full`.
   *
   * @param source what `ReceivedLabel.source` will say
   */
  async take(endpoint: string, incoming: readonly Incoming[], source: string): Promise<PostLabelsResponse> {
    const { db, store, labels, signals, onWaiting, entityAsLogged } = this.#options;
    await this.requireEndpoint(endpoint);
    const { labelType, toleranceMs } = await store.settings(endpoint);
    const receivedAtMs = this.#options.clock.nowMs();
    const logged = await entityAsLogged(endpoint);
    const byId: LabelEntry[] = [];
    const waiting: WaitingRow[] = [];
    for (const [i, label] of incoming.entries()) {
      const list = label.signal === undefined ? 'labels' : 'signals';
      const { value, signal = null } = label;
      requireType(value, signal === null ? labelType : 'any', `${list}[${i}].value`);
      const eventTimeMs = requireEventTime(label.eventTime, receivedAtMs, `${list}[${i}].eventTime`);
      const common = { value, eventTimeMs, receivedAtMs, signal, source };
      if (label.predictionId !== undefined) {
        byId.push({ predictionId: label.predictionId, ...common });
      } else {
        const entity = logged(label.entity ?? '');
        if (entity === null) {
          const problem = `endpoint "${endpoint}" does not log entities: send the label by predictionId`;
          throw fail('invalid_input', { field: `${list}[${i}].entity`, problem });
        }
        const atMs = requirePredictionTime(label.at ?? 0, `${list}[${i}].at`);
        const within = label.toleranceMs ?? toleranceMs;
        waiting.push({ id: uuidv7(), endpoint, entity, atMs, toleranceMs: within, ...common });
      }
    }
    if (waiting.length > 0) await db.write((tx) => store.insertWaiting(tx, waiting));
    const own = byId.filter((entry) => !entry.signal);
    const other = byId.filter((entry) => entry.signal);
    if (own.length > 0) await labels.append(endpoint, own);
    if (other.length > 0) await signals.append(endpoint, other);
    if (waiting.length > 0) onWaiting(endpoint);
    return { accepted: incoming.length, byEntity: waiting.length };
  }
}
