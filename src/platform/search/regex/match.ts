import { type Pattern, PatternError, type Range } from './syntax.ts';

/** One step of the automaton: an edge over a set of characters, or without a character. */
type Step =
  | {
      readonly kind: 'set';
      readonly ranges: readonly Range[];
      readonly isNegated: boolean;
      readonly to: number;
    }
  | { readonly kind: 'start' | 'end'; readonly to: number }
  | { readonly kind: 'fork'; readonly to: readonly number[] }
  | { readonly kind: 'match' };

/** A set of steps that the text read so far may have come to. */
interface State {
  readonly sets: readonly Extract<Step, { kind: 'set' }>[];
  readonly isMatch: boolean;
  readonly isMatchAtEnd: boolean;
  readonly next: Map<number, State>;
}

const maxSteps = 5000;
/** States are made as texts need them, and thrown away when there are so many. */
const maxStates = 2000;

/**
 * Makes a function that tells whether a text has a match anywhere. It reads each character once, whatever the
 * pattern: the pattern becomes an automaton whose states are sets of places in it. Throws `PatternError` for a
 * pattern whose repetitions make it too large.
 */
export function matcherOf(pattern: Pattern): (text: string) => boolean {
  const steps: Step[] = [{ kind: 'match' }];
  const begin = compile(pattern, 0, steps);
  const states = new Map<string, State>();

  const stateOf = (from: readonly number[], atStart: boolean): State => {
    const reached = closure(steps, from, atStart, false);
    const key = `${atStart}${reached.join()}`;
    const known = states.get(key);
    if (known) return known;
    if (states.size >= maxStates) states.clear();
    const sets = reached.map((i) => steps[i]).filter((step) => step?.kind === 'set');
    const isMatch = reached.includes(0);
    const isMatchAtEnd = isMatch || closure(steps, from, atStart, true).includes(0);
    const state = { sets, isMatch, isMatchAtEnd, next: new Map<number, State>() };
    states.set(key, state);
    return state;
  };

  const step = (state: State, point: number): State => {
    const known = state.next.get(point);
    if (known) return known;
    const targets = state.sets.filter((set) => holds(set, point)).map((set) => set.to);
    const next = stateOf([...new Set([...targets, begin])], false);
    if (state.next.size < maxStates) state.next.set(point, next);
    return next;
  };

  return (text) => {
    let state = stateOf([begin], true);
    for (let i = 0; i < text.length && !state.isMatch; ) {
      const point = text.codePointAt(i) ?? 0;
      state = step(state, point);
      i += point > 0xffff ? 2 : 1;
    }
    return state.isMatch || state.isMatchAtEnd;
  };
}

function holds(
  set: { readonly ranges: readonly Range[]; readonly isNegated: boolean },
  point: number,
): boolean {
  return set.ranges.some(([from, to]) => point >= from && point <= to) !== set.isNegated;
}

/** The steps that are reached without reading a character, sorted; forks themselves left out. */
function closure(
  steps: readonly Step[],
  from: readonly number[],
  atStart: boolean,
  atEnd: boolean,
): number[] {
  const seen = new Set<number>();
  const todo = [...from];
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    if (seen.has(at)) continue;
    seen.add(at);
    const step = steps[at];
    if (step?.kind === 'fork') todo.push(...step.to);
    else if ((step?.kind === 'start' && atStart) || (step?.kind === 'end' && atEnd)) todo.push(step.to);
  }
  // What waits for the end stays in the key of the state, or two different states would be one.
  return [...seen].filter((at) => steps[at]?.kind !== 'fork').sort((a, b) => a - b);
}

/** Adds the steps of a pattern that goes on to `to`, and returns where it begins. */
function compile(pattern: Pattern, to: number, steps: Step[]): number {
  const add = (step: Step): number => {
    if (steps.length >= maxSteps) throw new PatternError(0, 1, 'The pattern is too large');
    return steps.push(step) - 1;
  };
  switch (pattern.kind) {
    case 'empty':
      return to;
    case 'start':
    case 'end':
      return add({ kind: pattern.kind, to });
    case 'set':
      return add({ kind: 'set', ranges: pattern.ranges, isNegated: pattern.isNegated, to });
    case 'sequence':
      return pattern.parts.reduceRight((next, part) => compile(part, next, steps), to);
    case 'choice':
      return add({ kind: 'fork', to: pattern.parts.map((part) => compile(part, to, steps)) });
    case 'repeat': {
      const { part, min, max } = pattern;
      let next = to;
      if (max === null) {
        const loop: number[] = [to];
        next = add({ kind: 'fork', to: loop });
        loop.push(compile(part, next, steps));
      } else {
        for (let i = min; i < max; i++) next = add({ kind: 'fork', to: [to, compile(part, next, steps)] });
      }
      for (let i = 0; i < min; i++) next = compile(part, next, steps);
      return next;
    }
  }
}
