/** A JSON text, or one of the words that Python writes though JSON has them not. */
const stringsAndWords = /"[^"\\]*(?:\\.[^"\\]*)*"|-?Infinity\b|\bNaN\b/gs;
const overflow = '1e999';

/** May the text hold words of Python that are not JSON? */
export function mayHoldPythonWords(text: string): boolean {
  return /\b(?:NaN|Infinity)\b/.test(text);
}

/** The text with NaN, Infinity and -Infinity, which Python's json writes, as null and numbers that overflow to infinities. */
export function standardJson(text: string): string {
  return text.replace(stringsAndWords, standard);
}

function standard(word: string): string {
  if (word === 'NaN') return 'null';
  if (word === 'Infinity') return overflow;
  return word === '-Infinity' ? `-${overflow}` : word;
}
