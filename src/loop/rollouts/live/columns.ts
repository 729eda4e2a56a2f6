/** So many numbers are in one piece; a list of fewer is one piece that doubles as it grows. */
const pieceSize = 16_384;
const least = 16;

type Piece = Float64Array | Int32Array | Uint8Array;
/** Bytes of a number: 8 (any), 4 (whole, with sign) or 1 (0 to 255). */
export type ColumnKind = 'float' | 'int' | 'byte';

const kinds = { float: Float64Array, int: Int32Array, byte: Uint8Array } as const;

/** A list of numbers that grows as it is written, without being copied; what was never written is `empty`. */
export class Column {
  readonly #kind: ColumnKind;
  readonly #empty: number;
  readonly #pieces: Piece[] = [];

  constructor(kind: ColumnKind, empty: number) {
    this.#kind = kind;
    this.#empty = empty;
  }

  get(at: number): number {
    if (at < 0) return this.#empty;
    return this.#pieces[Math.floor(at / pieceSize)]?.[at % pieceSize] ?? this.#empty;
  }

  set(at: number, value: number): void {
    const [piece, place] = [Math.floor(at / pieceSize), at % pieceSize];
    this.#roomFor(piece, place)[place] = value;
  }

  /** Memory that it takes. */
  get bytes(): number {
    return this.#pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
  }

  #roomFor(number: number, place: number): Piece {
    const known = this.#pieces[number];
    if (known && place < known.length) return known;
    for (let missing = this.#pieces.length; missing < number; missing++)
      this.#pieces[missing] = this.#made(pieceSize);
    const before = this.#pieces[0];
    if (number > 0 && before && before.length < pieceSize) this.#pieces[0] = this.#made(pieceSize, before);
    const size = number > 0 ? pieceSize : Math.max(least, 2 ** Math.ceil(Math.log2(place + 1)));
    const made = this.#made(size, known);
    this.#pieces[number] = made;
    return made;
  }

  #made(size: number, before?: Piece): Piece {
    const made = new kinds[this.#kind](size).fill(this.#empty);
    if (before) made.set(before);
    return made;
  }
}
