import { createHmac } from 'node:crypto';
import type { SegmentColumn } from '../../../platform/segments/index.ts';
import { bucketCount, type EndpointRoute, featureColumnPrefix } from '../contract.ts';
import { bucketOf } from './bucket.ts';
import type { ServedArm } from './endpoint-state.ts';
import { cellText, type LoggedRow } from './log-row.ts';

/** Name of the entity among the fields that may be redacted or hashed. */
const entityField = 'entity';
export type Treatment = 'keep' | 'redact' | 'hash';

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
    this.#share = source.route.options.log.payloadShare;
    this.#key = key;
    this.#treatments = treatmentsOf(source.route.options.log);
    this.#entity = entityTreatment(source.route.entityFeature, source.route.options.log);
    this.columns = source.logColumns.map((column) =>
      this.#treatments.get(column.name.slice(featureColumnPrefix.length)) === 'hash' && column.list
        ? { ...column, type: 'VARCHAR' }
        : column,
    );
  }

  /** The policy of an endpoint; null when everything is written, which is the usual case and costs nothing. */
  static of(source: PolicySource, key: () => string): LogPolicy | null {
    const { log } = source.route.options;
    return writesEverything(log) ? null : new LogPolicy(source, log.hash.length > 0 ? key() : '');
  }

  /** The row as it may be written. */
  apply(row: LoggedRow): LoggedRow {
    const entity = this.#treat(this.#entity, row.entity) as string | null;
    if (!keepsPayload(this.#share, row.predictionId))
      return { ...row, entity, error: this.#error(row), cells: null, outputs: null, flags: null };
    const treatments = row.arm ? this.#ofArm(row.arm) : null;
    const cells =
      treatments && row.cells
        ? row.cells.map((cell, i) => this.#treat(treatments[i] ?? 'keep', cell))
        : row.cells;
    return { ...row, entity, error: this.#error(row), cells };
  }

  /** An error's text may quote what was sent, also fields that must not be written. */
  #error({ error, status }: LoggedRow): string | null {
    return error === null || this.#treatments.size === 0 ? error : `${status}${textLeftOut}`;
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

/** What stands behind the status of a failed row where its text is not written. */
export const textLeftOut = ' (its text is left out: it may quote fields that are not logged)';

type LogOptions = EndpointRoute['options']['log'];

/** Whether rows are written as they are. */
export function writesEverything({ payloadShare, redact, hash }: LogOptions): boolean {
  return payloadShare >= 1 && redact.length === 0 && hash.length === 0;
}

/** What is done with fields, by their names; those that are not named are kept. */
export function treatmentsOf({ redact, hash }: LogOptions): ReadonlyMap<string, Treatment> {
  return new Map<string, Treatment>([
    ...hash.map((name) => [name, 'hash'] as const),
    // Named in both: redacted.
    ...redact.map((name) => [name, 'redact'] as const),
  ]);
}

/** Whether a row has its features and outputs: chosen by prediction id, so a shadow's is kept where the caller's is. */
export function keepsPayload(share: number, predictionId: string): boolean {
  return share >= 1 || bucketOf('payload', predictionId) < share * bucketCount;
}

/** The entity is treated as its own name says, and as the feature that it is taken from. */
export function entityTreatment(entityFeature: string | null, { redact, hash }: LogOptions): Treatment {
  const names = [entityField, ...(entityFeature === null ? [] : [entityFeature])];
  if (names.some((name) => redact.includes(name))) return 'redact';
  return names.some((name) => hash.includes(name)) ? 'hash' : 'keep';
}

/** What `hashedValue` gives. */
const hashedForm = /^h:[\w-]{22}$/;

/**
 * How an entity stands in an endpoint's log: as it is, hashed, or not at all (null). One that is hashed already, as
 * people copy it out of a row, stays as it is.
 *
 * @param key the deployment's, asked for only when it is needed
 */
export function entityInLog(route: PolicySource['route'], entity: string, key: () => string): string | null {
  const treatment = entityTreatment(route.entityFeature, route.options.log);
  if (treatment === 'redact') return null;
  return treatment === 'hash' && !hashedForm.test(entity) ? hashedValue(key(), entity) : entity;
}

/** An entity in all forms that it may have in logs: as it is, and hashed; one that is hashed already in that alone. */
export function entityForms(entity: string, key: () => string): readonly string[] {
  return hashedForm.test(entity) ? [entity] : [entity, hashedValue(key(), entity)];
}

/** Tells two keys apart without giving either away: equal for equal keys. */
export function hashKeyPrint(key: string): string {
  return createHmac('sha256', key).update('millrace log-hash.key').digest('base64url').slice(0, 12);
}

/**
 * A value that cannot be read back without the key (HMAC-SHA256, 128 bits of it). Equal values stay equal, also
 * between fields: 7 and "7" are.
 */
export function hashedValue(key: string, value: unknown): string {
  const text =
    typeof value === 'string' ? value : typeof value === 'object' ? cellText(value) : String(value);
  return `h:${createHmac('sha256', key).update(text).digest('base64url').slice(0, 22)}`;
}
