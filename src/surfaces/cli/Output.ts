/** Where commands write: lines for people, or the API's own answer with `--json`. */
export class Output {
  readonly #json: boolean;
  readonly #write: (text: string) => void;

  constructor(json: boolean, write: (text: string) => void) {
    this.#json = json;
    this.#write = write;
  }

  get wantsJson(): boolean {
    return this.#json;
  }

  line(text = ''): void {
    this.#write(`${text}\n`);
  }

  /** The API's answer as JSON, or what `people` writes of it. */
  result(answer: unknown, people: () => void): void {
    if (this.#json) this.line(JSON.stringify(answer, null, 2));
    else people();
  }

  /** Rows in columns as wide as their widest cell; numbers to the right. */
  table(head: readonly string[], rows: readonly (readonly (string | number | null)[])[]): void {
    const cells = rows.map((row) => row.map((cell) => (cell === null ? '–' : String(cell))));
    const widths = head.map((name, i) => Math.max(name.length, ...cells.map((row) => (row[i] ?? '').length)));
    const right = head.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === 'number'));
    const format = (row: readonly string[]) =>
      row
        .map((cell, i) => (right[i] ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
        .join('  ')
        .trimEnd();
    this.line(format(head));
    for (const row of cells) this.line(format(row));
  }
}
