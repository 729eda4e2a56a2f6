import type { SignatureField } from '../../../core/model-package.ts';
import type { FeatureContract } from '../plane/row-check.ts';
import type { Cells } from './input-columns.ts';

const int32 = 2 ** 31;

/** Between which bounds a number needs no closer look; whole tells that it has to be an integer. */
interface Bounds {
  readonly low: number;
  readonly high: number;
  readonly whole: boolean;
}

/**
 * Finds rows that need no check of their own, column by column: all their inputs are scalar numbers that are there,
 * finite, of the type, and within what training saw. `RowCheck` would find nothing to say about them; it sees the rest.
 */
export class PlainRows {
  readonly #bounds: readonly (Bounds | null)[];

  constructor(fields: readonly SignatureField[], contract: FeatureContract | null) {
    const known = new Map(contract?.columns.map((column) => [column.name, column.range]));
    this.#bounds = fields.map((field) => boundsOf(field, known.get(field.name) ?? null));
  }

  /** 1 for each row that has to be checked; null when it is all of them. */
  suspects(cells: readonly Cells[], rowCount: number): Uint8Array | null {
    const suspects = new Uint8Array(rowCount);
    for (const [i, column] of cells.entries()) {
      const bounds = this.#bounds[i];
      if (!bounds || !(column instanceof Float64Array)) return null;
      const { low, high, whole } = bounds;
      for (let row = 0; row < rowCount; row++) {
        const value = column[row] as number;
        // NaN is within no bounds.
        if (!(value >= low && value <= high) || (whole && !Number.isSafeInteger(value))) suspects[row] = 1;
      }
    }
    return suspects;
  }
}

function boundsOf(
  { type, shape }: SignatureField,
  range: { readonly min: number; readonly max: number } | null,
): Bounds | null {
  if (shape.length > 0) return null;
  const whole = type === 'long' || type === 'integer';
  if (!whole && type !== 'double' && type !== 'float') return null;
  const [least, most] = type === 'integer' ? [-int32, int32 - 1] : [-Number.MAX_VALUE, Number.MAX_VALUE];
  return { low: Math.max(least, range?.min ?? least), high: Math.min(most, range?.max ?? most), whole };
}
