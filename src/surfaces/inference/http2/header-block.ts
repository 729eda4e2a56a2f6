const prefix = { indexed: 0x80, literal: 0x00 } as const;
/** Index of `:status: 200` in the table that every connection knows. */
const status200 = 8;
const longestShort = 0x7f;

/**
 * Writes header fields as a block (HPACK, RFC 7541). It neither compresses nor touches the connection's table, so that
 * a block may be written once and sent on any connection.
 */
export function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (name === ':status' && value === '200') parts.push(Buffer.of(prefix.indexed | status200));
    else parts.push(Buffer.of(prefix.literal), ...text(name), ...text(value));
  }
  return Buffer.concat(parts);
}

function text(value: string): readonly Buffer[] {
  const bytes = Buffer.from(value, 'latin1');
  return [length(bytes.length), bytes];
}

/** A length, with a prefix of seven bits. */
function length(value: number): Buffer {
  if (value < longestShort) return Buffer.of(value);
  const bytes = [longestShort];
  let left = value - longestShort;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  bytes.push(left);
  return Buffer.from(bytes);
}
