import type { Readable } from 'node:stream';

/** Characters that are kept of a line of what a program writes: some write bytes, or never end a line. */
const longestLine = 16_000;

/**
 * Calls `onLine` with each line that a program writes (it ends with a line feed, a carriage return or both, as those of
 * progress bars do). What is longer than 16,000 characters is cut off and marked. Resolves when the stream is closed.
 */
export function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  let line = '';
  let afterReturn = false;
  const tell = () => {
    onLine(line.length > longestLine ? `${line.slice(0, longestLine)}…` : line);
    line = '';
  };
  const keep = (text: string) => {
    if (line.length <= longestLine) line += text.slice(0, longestLine + 1 - line.length);
  };
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const [first = '', ...more] = (afterReturn ? text.replace(/^\n/, '') : text).split(/\r\n|\n|\r/);
    afterReturn = text.endsWith('\r');
    keep(first);
    for (const next of more) {
      tell();
      keep(next);
    }
  });
  stream.once('end', () => {
    if (line !== '') tell();
  });
  return new Promise((resolve) => stream.once('close', resolve));
}
