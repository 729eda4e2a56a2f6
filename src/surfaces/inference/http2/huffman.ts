/**
 * Bits of each symbol's code, as base-36 digits: the 256 bytes and the end of the text (RFC 7541, appendix B). The code
 * is canonical: shorter ones come first, equally long ones in the order of their symbols.
 */
const lengths =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca' +
  'd67777777777777777777777878djde6f56565666577666567655677777fbeds' +
  'kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn' +
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq' +
  'u';

const endOfText = 256;
const mostPaddingBits = 7;

/** Nodes of the code's tree, two children each: the next node, or -1 - symbol, or 0 where no code goes. */
const tree = buildTree();

/**
 * Decodes a text (bytes as latin1); null where the bytes are no text of this code: padding that is too long, or not the
 * first bits of the end of the text.
 */
export function huffmanText(bytes: Buffer, from: number, to: number): string | null {
  let text = '';
  let node = 0;
  let bits = 0;
  let onlyOnes = true;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number;
    for (let shift = 7; shift >= 0; shift--) {
      const bit = (byte >> shift) & 1;
      const next = tree[2 * node + bit] as number;
      bits++;
      onlyOnes &&= bit === 1;
      if (next > 0) {
        node = next;
        continue;
      }
      const symbol = -1 - next;
      if (symbol === endOfText) return null;
      text += String.fromCharCode(symbol);
      node = 0;
      bits = 0;
      onlyOnes = true;
    }
  }
  return bits <= mostPaddingBits && onlyOnes ? text : null;
}

function buildTree(): Int16Array {
  const children = new Int16Array(2 * (endOfText + 1));
  const symbols = Array.from(lengths, (digit, symbol) => ({ symbol, length: Number.parseInt(digit, 36) }));
  symbols.sort((a, b) => a.length - b.length || a.symbol - b.symbol);
  let nodes = 1;
  let code = 0;
  let bits = 0;
  for (const { symbol, length } of symbols) {
    code *= 2 ** (length - bits);
    bits = length;
    let node = 0;
    for (let left = length - 1; left > 0; left--) {
      const child = 2 * node + (Math.floor(code / 2 ** left) % 2);
      if (children[child] === 0) children[child] = nodes++;
      node = children[child] as number;
    }
    children[2 * node + (code % 2)] = -1 - symbol;
    code++;
  }
  return children;
}
