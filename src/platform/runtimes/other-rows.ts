/**
 * A model gave an answer that does not have a row for each row that it was given: nobody can tell which rows it is of. It
 * begins with its name, as errors of a model's code do.
 */
export class OtherRows extends Error {
  override readonly name = 'OtherRows';
  /** All that the model gave, as JSON. */
  readonly answer: string;

  constructor(message: string, answer: string) {
    super(message);
    this.answer = answer;
  }
}
