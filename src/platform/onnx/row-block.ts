import { shortFloat } from '../../core/short-float.ts';

/** Rows of a request, their cells in the order of a signature's inputs. Never changed. */
export interface RowBlock {
  readonly rowCount: number;
  /** Where all cells lie side by side, scalars only, row by row; null: only `row` tells. */
  readonly flat: FlatCells | null;
  /** The cells of a row. Single-precision numbers come with the fewest digits that name them. */
  row(index: number): readonly unknown[];
  /** The rows [from, to), without copying cells. */
  slice(from: number, to: number): RowBlock;
  /** The rows of these numbers, in this order. */
  pick(rows: readonly number[]): RowBlock;
}

/** Cell `c` of row `r` is `data[from + r * width + c]`. */
export interface FlatCells {
  readonly data: ArrayLike<unknown>;
  readonly from: number;
  readonly width: number;
}

/** Rows that are lists of cells; a cell may be a list. */
export function cellRows(rows: readonly (readonly unknown[])[]): RowBlock {
  return {
    rowCount: rows.length,
    flat: null,
    row: (index) => rows[index] ?? [],
    slice: (from, to) => (from === 0 && to === rows.length ? cellRows(rows) : cellRows(rows.slice(from, to))),
    pick: (numbers) => cellRows(numbers.map((n) => rows[n] ?? [])),
  };
}

/** Rows of `width` scalars out of one row-major list or typed array, which stays as it is. */
export class FlatRows implements RowBlock {
  readonly rowCount: number;
  readonly flat: FlatCells;

  constructor(data: ArrayLike<unknown>, width: number, rowCount: number, from = 0) {
    this.rowCount = rowCount;
    this.flat = { data, from, width };
  }

  row(index: number): readonly unknown[] {
    const { data, from, width } = this.flat;
    const start = from + index * width;
    if (Array.isArray(data)) {
      return start === 0 && data.length === width ? data : data.slice(start, start + width);
    }
    const cells: unknown[] = [];
    if (data instanceof Float32Array) {
      for (let at = start; at < start + width; at++) cells.push(shortFloat(data[at] as number));
    } else {
      for (let at = start; at < start + width; at++) cells.push(data[at]);
    }
    return cells;
  }

  slice(from: number, to: number): RowBlock {
    const { data, from: start, width } = this.flat;
    return new FlatRows(data, width, to - from, start + from * width);
  }

  pick(rows: readonly number[]): RowBlock {
    const { data, from, width } = this.flat;
    const parts = rows.map((row) => {
      const start = from + row * width;
      return Array.prototype.slice.call(data, start, start + width) as unknown[];
    });
    const typed = ArrayBuffer.isView(data) ? (data.constructor as Float32ArrayConstructor) : null;
    const cells = parts.flat();
    return new FlatRows(typed ? typed.from(cells as number[]) : cells, width, rows.length);
  }
}
