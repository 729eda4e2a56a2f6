import { errorCode, Http2Error } from './frames.ts';
import { huffmanText } from './huffman.ts';
import { staticTable } from './static-table.ts';

/** A header field; its text is latin1, as it came. */
export interface HeaderField {
  readonly name: string;
  readonly value: string;
  /** Neither name nor value has a character that HTTP/2 forbids there (RFC 9113, section 8.2.1). */
  readonly isFine: boolean;
}

/** What a field counts beside its characters (RFC 7541, section 4.1). */
const fieldOverhead = 32;
const tableBytes = 4096;
const mostInteger = 2 ** 28;
const namePattern = /^(?::[a-z]+|[!#$%&'*+\-.^_`|~0-9a-z]+)$/;
const badValuePattern = /[\0\r\n]|^[ \t]|[ \t]$/;

const known: readonly HeaderField[] = staticTable.map(([name, value]) => ({ name, value, isFine: true }));

/** Decodes the header blocks of one connection (HPACK, RFC 7541), which share a table of fields that came before. */
export class HeaderDecoder {
  /** The newest field is the last. */
  #table: HeaderField[] = [];
  #sizeBytes = 0;
  #maxBytes = tableBytes;
  #block: Buffer = Buffer.alloc(0);
  #at = 0;

  /**
   * Decodes a block, field by field. Throws Http2Error COMPRESSION_ERROR: the table is not what the peer thinks, and
   * nothing that follows on the connection can be read.
   */
  decode(block: Buffer, onField: (field: HeaderField) => void): void {
    this.#block = block;
    this.#at = 0;
    let mayResize = true;
    while (this.#at < block.length) {
      const byte = block[this.#at] as number;
      if (byte >= 0x80) {
        onField(this.#field(this.#integer(7)));
      } else if (byte >= 0x40) {
        const field = this.#literal(6);
        this.#add(field);
        onField(field);
      } else if (byte >= 0x20) {
        if (!mayResize) throw broken('the size of the table changes within a block');
        this.#resize(this.#integer(5));
        continue;
      } else {
        onField(this.#literal(4));
      }
      mayResize = false;
    }
  }

  #field(index: number): HeaderField {
    const field =
      index <= known.length ? known[index - 1] : this.#table[this.#table.length - (index - known.length)];
    if (!field) throw broken(`there is no field ${index}`);
    return field;
  }

  #literal(prefixBits: number): HeaderField {
    const index = this.#integer(prefixBits);
    const { name, isFine } = index === 0 ? fieldName(this.#text()) : this.#field(index);
    const value = this.#text();
    return { name, value, isFine: isFine && !badValuePattern.test(value) };
  }

  #integer(prefixBits: number): number {
    const most = 2 ** prefixBits - 1;
    let value = (this.#block[this.#at++] ?? 0) & most;
    if (value < most) return value;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#block[this.#at++];
      if (byte === undefined) throw broken('a number is cut off');
      value += (byte & 0x7f) * factor;
      if (value > mostInteger || factor > mostInteger) throw broken('a number is too large');
      if (byte < 0x80) return value;
    }
  }

  #text(): string {
    const isHuffman = ((this.#block[this.#at] ?? 0) & 0x80) !== 0;
    const length = this.#integer(7);
    const from = this.#at;
    this.#at += length;
    if (this.#at > this.#block.length) throw broken('a text is cut off');
    if (!isHuffman) return this.#block.toString('latin1', from, this.#at);
    const text = huffmanText(this.#block, from, this.#at);
    if (text === null) throw broken('a text is not in the Huffman code');
    return text;
  }

  #add(field: HeaderField): void {
    this.#sizeBytes += sizeOf(field);
    this.#table.push(field);
    this.#evict();
  }

  #resize(maxBytes: number): void {
    if (maxBytes > tableBytes) throw broken(`the table is made larger than ${tableBytes} bytes`);
    this.#maxBytes = maxBytes;
    this.#evict();
  }

  #evict(): void {
    let gone = 0;
    while (this.#sizeBytes > this.#maxBytes) this.#sizeBytes -= sizeOf(this.#table[gone++] as HeaderField);
    if (gone > 0) this.#table.splice(0, gone);
  }
}

function fieldName(name: string): Pick<HeaderField, 'name' | 'isFine'> {
  return { name, isFine: namePattern.test(name) };
}

/** What a field takes in a table, in bytes. */
export function sizeOf({ name, value }: HeaderField): number {
  return name.length + value.length + fieldOverhead;
}

function broken(problem: string): Http2Error {
  return new Http2Error(errorCode.compression, `the headers cannot be read: ${problem}`);
}
