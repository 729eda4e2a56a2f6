import { fail } from '../../core/errors.ts';

/** A part of the text: from an offset, so long. */
export interface Place {
  readonly position: number;
  readonly length: number;
}

/** Where a text is wrong, what is wrong there, and what could stand there instead. */
export interface FilterProblem extends Place {
  readonly problem: string;
  readonly expected: readonly string[];
  /** Two lines: the text around the place, and a caret under it. */
  readonly excerpt: string;
}

const excerptReach = 40;

/** Refuses a filter or an order with MLflow's message. */
export function invalidFilter(problem: string): Error {
  return fail('filter_invalid', { problem });
}

/**
 * Refuses a filter or an order and points at the place: the error carries what is wrong, where, what could
 * stand there, and an excerpt with a caret.
 */
export function misplaced(text: string, place: Place, problem: string, expected: readonly string[]): Error {
  const wanted = expected.length > 0 ? `; expected ${expected.join(', ')}` : '';
  const excerpt = excerptOf(text, place);
  const shown = `${problem} at character ${place.position + 1}${wanted}\n${excerpt}`;
  const filter: FilterProblem = {
    problem,
    position: place.position,
    length: place.length,
    expected,
    excerpt,
  };
  return fail('filter_invalid', { problem: shown, filter });
}

function excerptOf(text: string, { position, length }: Place): string {
  const from = Math.max(0, position - excerptReach);
  const to = Math.min(text.length, Math.max(position + length, position) + excerptReach);
  const before = `${from > 0 ? '…' : ''}${text.slice(from, position)}`;
  const line = `${before}${text.slice(position, to)}${to < text.length ? '…' : ''}`.replace(/\s/g, ' ');
  return `${line}\n${' '.repeat(before.length)}${'^'.repeat(Math.max(1, Math.min(length, to - position)))}`;
}
