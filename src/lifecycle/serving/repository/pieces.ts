const pieceBytes = 1024 * 1024;

/** Large files are hashed and written piece by piece, so that predictions are answered in between. */
export async function* pieces(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let from = 0; from < bytes.length; from += pieceBytes) yield bytes.subarray(from, from + pieceBytes);
}
