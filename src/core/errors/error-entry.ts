/**
 * One kind of error. `{name}` in `message` and `next` is replaced by the parameter of that name; `next` says what to
 * do about it.
 */
export interface ErrorEntry {
  readonly status: number;
  readonly title: string;
  readonly message: string;
  readonly next: string;
}

/** The errors of one part, by their code. */
export type ErrorEntries = Readonly<Record<string, ErrorEntry>>;
