import { createHmac } from 'node:crypto';
import type { SegmentColumn } from '../../../platform/segments/index.ts';
import { bucketCount, type EndpointRoute, featureColumnPrefix } from '../contract.ts';
import { bucketOf } from './bucket.ts';
import type { ServedArm } from './endpoint-state.ts';
import { cellJson, type LoggedRow } from './log-line.ts';

/** Name of the entity among the fields that may be redacted or hashed. */
const entityField = 'entity';
type Treatment = 'keep' | 'redact' | 'hash';

/** The part of a state that a policy is made of. */
export interface PolicySource {
  readonly route: Pick<EndpointRoute, 'entityFeature' | 'options'>;
  readonly logColumns: readonly SegmentColumn[];
}

/**
 * What of a row may be written: applied before anything of it reaches the disk. A row is never left out, so counts
 * stay exact; its score, status and latency are always there.
 */
export class LogPolicy {
  /** Columns of the log: what is hashed is text, whatever it was. */
  readonly columns: readonly SegmentColumn[];
  readonly #share: number;
  readonly #treatments: ReadonlyMap<string, Treatment>;
  readonly #entity: Treatment;
  readonly #key: string;
  readonly #cells = new WeakMap<ServedArm, readonly Treatment[] | null>();

  private constructor(source: PolicySource, key: string) {
    const { payloadShare, redact, hash } = source.route.options.log;
    this.#share = payloadShare;
    this.#key = key;
    this.#treatments = new Map<string, Treatment>([
      ...hash.map((name) => [name, 'hash'] as const),
      // Named in both: redacted.
      ...redact.map((name) => [name, 'redact'] as const),
    ]);
    this.#entity = entityTreatment(source.route);
    this.columns = source.logColumns.map((column) =>
      this.#treatments.get(column.name.slice(featureColumnPrefix.length)) === 'hash' && column.list
        ? { ...column, type: 'VARCHAR' }
        : column,
    );
  }

  /** The policy of an endpoint; null when everything is written, which is the usual case and costs nothing. */
  static of(source: PolicySource, key: () => string): LogPolicy | null {
    const { payloadShare, redact, hash } = source.route.options.log;
    if (payloadShare >= 1 && redact.length === 0 && hash.length === 0) return null;
    return new LogPolicy(source, hash.length > 0 ? key() : '');
  }

  /** The row as it may be written. */
  apply(row: LoggedRow): LoggedRow {
    const entity = this.#treat(this.#entity, row.entity) as string | null;
    if (!this.#keepsPayload(row.predictionId))
      return { ...row, entity, error: this.#error(row), cells: null, outputs: null, flags: null };
    const treatments = row.arm ? this.#ofArm(row.arm) : null;
    const cells =
      treatments && row.cells
        ? row.cells.map((cell, i) => this.#treat(treatments[i] ?? 'keep', cell))
        : row.cells;
    return { ...row, entity, error: this.#error(row), cells };
  }

  /** Chosen by prediction id: a shadow's row is kept where the caller's is. */
  #keepsPayload(predictionId: string): boolean {
    return this.#share >= 1 || bucketOf('payload', predictionId) < this.#share * bucketCount;
  }

  /** An error's text may quote what was sent, also fields that must not be written. */
  #error({ error, status }: LoggedRow): string | null {
    if (error === null || this.#treatments.size === 0) return error;
    return `${status} (its text is left out: it may quote fields that are not logged)`;
  }

  #ofArm(arm: ServedArm): readonly Treatment[] | null {
    const known = this.#cells.get(arm);
    if (known !== undefined) return known;
    const treatments = arm.model.featureColumns.map(
      ({ name }) => this.#treatments.get(name.slice(featureColumnPrefix.length)) ?? 'keep',
    );
    const needed = treatments.some((treatment) => treatment !== 'keep') ? treatments : null;
    this.#cells.set(arm, needed);
    return needed;
  }

  #treat(treatment: Treatment, value: unknown): unknown {
    if (treatment === 'keep' || value === null || value === undefined) return value;
    return treatment === 'redact' ? null : hashedValue(this.#key, value);
  }
}

/** The entity is treated as its own name says, and as the feature that it is taken from. */
function entityTreatment({ entityFeature, options }: PolicySource['route']): Treatment {
  const names = [entityField, ...(entityFeature === null ? [] : [entityFeature])];
  if (names.some((name) => options.log.redact.includes(name))) return 'redact';
  return names.some((name) => options.log.hash.includes(name)) ? 'hash' : 'keep';
}

/**
 * How an entity stands in an endpoint's log: as it is, hashed, or not at all (null).
 *
 * @param key the deployment's, asked for only when it is needed
 */
export function entityInLog(route: PolicySource['route'], entity: string, key: () => string): string | null {
  const treatment = entityTreatment(route);
  if (treatment === 'redact') return null;
  return treatment === 'hash' ? hashedValue(key(), entity) : entity;
}

/**
 * A value that cannot be read back without the key (HMAC-SHA256, 128 bits of it). Equal values stay equal, also
 * between fields: 7 and "7" are.
 */
function hashedValue(key: string, value: unknown): string {
  const text =
    typeof value === 'string' ? value : typeof value === 'object' ? cellJson(value) : String(value);
  return `h:${createHmac('sha256', key).update(text).digest('base64url').slice(0, 22)}`;
}
