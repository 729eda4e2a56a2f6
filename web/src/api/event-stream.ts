/** One message of a text/event-stream. */
type StreamEvent = { readonly id: string; readonly event: string; readonly data: string };

/**
 * Incremental parser of server-sent events (WHATWG HTML 9.2.6). Feed it chunks as they come; it returns the
 * messages completed by each. Comments and `retry` are ignored; a message without data is dropped.
 */
export function createEventStreamParser(): (chunk: string) => StreamEvent[] {
  let buffer = '';
  let id = '';
  let event = '';
  let data: string[] = [];
  return (chunk) => {
    buffer += chunk;
    const lines = buffer.split(/\r\n|\n|\r(?!$)/);
    buffer = lines.pop() ?? '';
    const messages: StreamEvent[] = [];
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) messages.push({ id, event: event || 'message', data: data.join('\n') });
        event = '';
        data = [];
        continue;
      }
      const colon = line.indexOf(':');
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'data') data.push(value);
      else if (field === 'event') event = value;
      else if (field === 'id') id = value;
    }
    return messages;
  };
}
