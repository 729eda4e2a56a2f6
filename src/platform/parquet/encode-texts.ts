import type { Encoder } from './column-data.ts';
import { bitsFor, hybridBytes } from './hybrid.ts';
import { PageBytes } from './page-bytes.ts';

/** A dictionary has no more values than this, and of the first rows no more than half are different. */
const mostDistinct = 1000;
const triedRows = 256;
/** Places of a table of hashes: a power of two, well above `mostDistinct`. */
const hashPlaces = 4096;

/** Bounds longer than this are left out. */
const longestBound = 64;

/** Texts up to this length are copied byte by byte, which is quicker than a call. */
const shortText = 64;

/** Texts: places in a dictionary where few of them are different, else one after the other, each behind its length. */
export class TextEncoder implements Encoder {
  readonly dictionary: Encoder['dictionary'] = null;
  readonly bytesOfValue: number;
  readonly bytesOfAll: number;
  readonly #bytes: Buffer;
  readonly #spans: Uint32Array;
  /** Of each text in the dictionary. */
  readonly #places: Uint16Array;
  readonly #bits: number = 0;
  /** Spans of the least and the greatest text; null where one is too long. */
  #bounds: { min: Span; max: Span } | null | undefined;

  constructor(bytes: Buffer, spans: Uint32Array) {
    this.#bytes = bytes;
    this.#spans = spans;
    this.#places = new Uint16Array(spans.length / 2);
    const distinct = dictionary(bytes, spans, this.#places);
    if (distinct) {
      const count = distinct.length / 2;
      const page = new PageBytes();
      this.#putPlain(page, distinct);
      this.dictionary = { bytes: page.bytes, count };
      this.#bits = bitsFor(count);
    }
    const count = spans.length / 2;
    // A single text is one run of places.
    const placesSize = this.#bits === 0 || this.dictionary?.count === 1 ? 0 : (count * this.#bits) / 8;
    this.bytesOfAll = this.dictionary ? this.dictionary.bytes.length + placesSize : plainSize(spans);
    this.bytesOfValue = this.dictionary ? 2 : this.bytesOfAll / Math.max(1, count);
  }

  put(page: PageBytes, from: number, to: number): void {
    if (this.dictionary) {
      page.put(Uint8Array.of(this.#bits));
      page.put(hybridBytes(this.#places.subarray(from, to), to - from, this.#bits));
    } else this.#putPlain(page, this.#spans.subarray(2 * from, 2 * to));
  }

  bounds() {
    if (!this.#bounds) return null;
    const { min, max } = this.#bounds;
    const copy = ([from, to]: Span) => Uint8Array.from(this.#bytes.subarray(from, to));
    return { min: copy(min), max: copy(max) };
  }

  #putPlain(page: PageBytes, spans: Uint32Array): void {
    const bytes = this.#bytes;
    const target = page.reserve(plainSize(spans));
    let at = 0;
    for (let i = 0; i < spans.length; i += 2) {
      const [from, to] = [spans[i] as number, spans[i + 1] as number];
      const length = to - from;
      target[at++] = length;
      target[at++] = length >>> 8;
      target[at++] = length >>> 16;
      target[at++] = length >>> 24;
      if (length <= shortText) for (let b = from; b < to; b++) target[at++] = bytes[b] as number;
      else at += bytes.copy(target, at, from, to);
      this.#widen(from, to);
    }
  }

  #widen(from: number, to: number): void {
    if (this.#bounds === null) return;
    if (to - from > longestBound) this.#bounds = null;
    else if (!this.#bounds) this.#bounds = { min: [from, to], max: [from, to] };
    // First the greatest: ids and times mostly rise.
    else if (order(this.#bytes, from, to, this.#bounds.max) > 0) this.#bounds.max = [from, to];
    else if (order(this.#bytes, from, to, this.#bounds.min) < 0) this.#bounds.min = [from, to];
  }
}

/** What texts take in plain encoding. */
function plainSize(spans: Uint32Array): number {
  let size = 2 * spans.length;
  for (let i = 0; i < spans.length; i += 2) size += (spans[i + 1] as number) - (spans[i] as number);
  return size;
}

type Span = readonly [from: number, to: number];

/**
 * The spans of different texts.
 *
 * @param places gets the place of each text among them
 * @returns null where too many are different, or there are none
 */
function dictionary(bytes: Buffer, spans: Uint32Array, places: Uint16Array): Uint32Array | null {
  if (places.length === 0) return null;
  const distinct: number[] = [];
  const table = new Int16Array(hashPlaces).fill(-1);
  const isAt = (place: number, from: number, to: number): boolean =>
    isSame(bytes, distinct[2 * place] as number, distinct[2 * place + 1] as number, from, to);
  let before = -1;
  for (let n = 0; n < places.length; n++) {
    const [from, to] = [spans[2 * n] as number, spans[2 * n + 1] as number];
    if (before < 0 || !isAt(before, from, to)) {
      let at = hashOf(bytes, from, to) & (hashPlaces - 1);
      let place = table[at] as number;
      while (place >= 0 && !isAt(place, from, to)) {
        at = (at + 1) & (hashPlaces - 1);
        place = table[at] as number;
      }
      if (place < 0) {
        place = distinct.push(from, to) / 2 - 1;
        table[at] = place;
        if (place >= mostDistinct || (n < triedRows && place >= triedRows / 2)) return null;
      }
      before = place;
    }
    places[n] = before;
  }
  return Uint32Array.from(distinct);
}

function isSame(bytes: Buffer, fromA: number, toA: number, fromB: number, toB: number): boolean {
  if (toA - fromA !== toB - fromB) return false;
  for (let a = fromA, b = fromB; a < toA; a++, b++) if (bytes[a] !== bytes[b]) return false;
  return true;
}

function hashOf(bytes: Buffer, from: number, to: number): number {
  let hash = 0;
  for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
  return hash;
}

/** By unsigned bytes, which is the order of Unicode too. */
function order(bytes: Buffer, from: number, to: number, [otherFrom, otherTo]: Span): number {
  const both = Math.min(to - from, otherTo - otherFrom);
  for (let i = 0; i < both; i++) {
    const difference = (bytes[from + i] as number) - (bytes[otherFrom + i] as number);
    if (difference !== 0) return difference;
  }
  return to - from - (otherTo - otherFrom);
}
