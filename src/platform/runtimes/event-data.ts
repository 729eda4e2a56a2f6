/** Characters of one event that are read at most. */
const longestEvent = 64 * 1024 * 1024;

/**
 * The data of server-sent events as they come (https://html.spec.whatwg.org/multipage/server-sent-events.html): lines
 * `data:` up to an empty line, joined; all other fields are let be. Throws an `Error` for an event without end.
 */
export async function* eventData(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let data: string[] = [];
  for await (const piece of bytes) {
    rest += decoder.decode(piece, { stream: true });
    if (rest.length > longestEvent) throw new Error('an event of its answer is longer than 64 MB');
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) yield data.join('\n');
        data = [];
      } else if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5));
    }
  }
  if (rest.startsWith('data:')) data.push(rest.slice(rest[5] === ' ' ? 6 : 5).trimEnd());
  if (data.length > 0) yield data.join('\n');
}
