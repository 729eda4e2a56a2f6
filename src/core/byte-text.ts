/**
 * Any bytes as a text, and back without loss. What is UTF-8 is that text; every other byte is one character of a private
 * range, U+10FE00 and the byte. So that both ways are unambiguous, characters of that range themselves are read byte by
 * byte.
 */
const base = 0x10fe00;
const standIns = /(?:\udbff[\ude80-\udeff])+/g;
/** All of the range begin with it in UTF-16, and so do few others. */
const lead = '\udbff';
const replacement = '\ufffd';

export function textOfBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const text = buffer.toString('utf8');
  // Broken UTF-8 becomes U+FFFD.
  if (!text.includes(replacement) && !text.includes(lead)) return text;
  const parts: string[] = [];
  let from = 0;
  for (let at = 0; at < buffer.length; ) {
    const length = characterLength(buffer, at);
    if (length > 0) {
      at += length;
      continue;
    }
    parts.push(buffer.toString('utf8', from, at), String.fromCodePoint(base + (buffer[at] as number)));
    from = ++at;
  }
  return parts.join('') + buffer.toString('utf8', from);
}

export function bytesOfText(text: string): Buffer {
  if (!holdsBytes(text)) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  let from = 0;
  for (const { index, 0: run } of text.matchAll(standIns)) {
    const bytes = Array.from(run, (character) => (character.codePointAt(0) ?? base) - base);
    parts.push(Buffer.from(text.slice(from, index), 'utf8'), Buffer.from(bytes));
    from = index + run.length;
  }
  return Buffer.concat([...parts, Buffer.from(text.slice(from), 'utf8')]);
}

/** Whether the text stands for bytes that are no UTF-8. */
export function holdsBytes(text: string): boolean {
  return text.includes(lead) && text.search(standIns) >= 0;
}

/** A text as it is among those of bytes: its characters of the private range are bytes there. */
export function textOfText(text: string): string {
  return holdsBytes(text) ? textOfBytes(Buffer.from(text, 'utf8')) : text;
}

/** The text that the bytes are; null where they are no UTF-8. */
export function plainText(text: string): string | null {
  if (!holdsBytes(text)) return text;
  const bytes = bytesOfText(text);
  const plain = bytes.toString('utf8');
  return Buffer.from(plain, 'utf8').equals(bytes) ? plain : null;
}

/** Bytes of the character that begins there; 0 where none does (Unicode, table 3-7), or one of the private range. */
function characterLength(bytes: Buffer, at: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  const second = bytes[at + 1] ?? 0;
  const follows = (i: number) => ((bytes[at + i] ?? 0) & 0xc0) === 0x80;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const fits = first === 0xe0 ? second >= 0xa0 : first !== 0xed || second < 0xa0;
    return follows(1) && follows(2) && fits ? 3 : 0;
  }
  if (first < 0xf0 || first > 0xf4 || !(follows(1) && follows(2) && follows(3))) return 0;
  if (first === 0xf0 ? second < 0x90 : first === 0xf4 && second >= 0x90) return 0;
  const isStandIn = first === 0xf4 && second === 0x8f && (bytes[at + 2] === 0xba || bytes[at + 2] === 0xbb);
  return isStandIn ? 0 : 4;
}
