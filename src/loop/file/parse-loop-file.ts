import type { Document, LineCounter, Node } from 'yaml';
import type { z } from 'zod';
import { fail } from '../../core/errors.ts';
import { describeIssue } from '../../core/issue-text.ts';
import { nearestName } from '../../core/nearest-name.ts';
import { requireWhenUsed } from '../../core/require-when-used.ts';
import { pathText } from '../../core/schema.ts';
import { type LoopFile, loopFileSchema } from '../contract.ts';
import { checkMeaning } from './check-meaning.ts';
import { keysAt } from './keys-at.ts';

type Path = readonly PropertyKey[];

/** Something wrong in a loop file, with the place where a person finds it. */
export interface FileProblem {
  readonly path: Path;
  readonly problem: string;
}

/**
 * Reads a loop file (YAML, of which JSON is a part) and fills in the defaults.
 *
 * Throws `loop_file_invalid` with every problem, each as `<file>:<line>: <key>: <problem>`; its `issues` hold the
 * same as data.
 */
export function parseLoopFile(text: string, fileName = 'loop.yaml'): LoopFile {
  const { document, lines } = parseYaml(text);
  if (document.errors.length > 0) {
    throw refused(
      document.errors.map((error) => ({
        field: '',
        problem: `${fileName}:${error.linePos?.[0].line ?? 1}: ${error.message.split('\n')[0]?.replace(/:$/, '')}`,
      })),
    );
  }
  const parsed = loopFileSchema.safeParse(document.toJS(), { error: describeIssue });
  const problems = parsed.success ? checkMeaning(parsed.data) : parsed.error.issues.flatMap(explain);
  if (parsed.success && problems.length === 0) return parsed.data;
  throw refusedAt(problems, (path) => lineOf(document, lines, path), fileName);
}

/** Makes the error of problems found after parsing (a missing column), with lines from the same text. */
export function fileError(text: string, fileName: string, problems: readonly FileProblem[]) {
  const { document, lines } = parseYaml(text);
  return refusedAt(problems, (path) => lineOf(document, lines, path), fileName);
}

function parseYaml(text: string): { readonly document: Document; readonly lines: LineCounter } {
  const yaml = requireWhenUsed<typeof import('yaml')>('yaml');
  const lines = new yaml.LineCounter();
  return { document: yaml.parseDocument(text, { lineCounter: lines }), lines };
}

function refusedAt(problems: readonly FileProblem[], line: (path: Path) => number, fileName: string) {
  const placed = problems
    .map((problem) => ({ ...problem, line: line(problem.path) }))
    .sort((a, b) => a.line - b.line);
  return refused(
    placed.map(({ path, problem, line }) => {
      const key = pathText(path);
      return { field: key, problem: `${fileName}:${line}: ${key === '' ? '' : `${key}: `}${problem}` };
    }),
  );
}

function refused(issues: readonly { readonly field: string; readonly problem: string }[]) {
  return fail('loop_file_invalid', { problems: issues.map((issue) => issue.problem).join('\n'), issues });
}

/** A schema's complaint in words for people, one problem for each unknown key. */
function explain(issue: z.core.$ZodIssue): readonly FileProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(loopFileSchema, issue.path);
    return issue.keys.map((key) => {
      const guess = nearestName(key, known);
      const hint = guess ? `did you mean "${guess}"?` : `the known keys are ${known.join(', ')}`;
      return { path: [...issue.path, key], problem: `unknown key; ${hint}` };
    });
  }
  return [
    { path: issue.path, problem: issue.message.replace('expected an object', 'expected a block of keys') },
  ];
}

/** The line of a key; of the nearest block around it when the key is not there. */
function lineOf(document: Document, lines: LineCounter, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const offset = offsetOf(document, path.slice(0, length));
    if (offset !== undefined) return lines.linePos(offset).line;
  }
  return 1;
}

function offsetOf(document: Document, path: Path): number | undefined {
  const parent = (path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true)) as
    | (Node & { items?: readonly { key?: Node & { value?: unknown } }[] })
    | undefined
    | null;
  const last = path.at(-1);
  const pair = parent?.items?.find((item) => item.key?.value === last);
  const node = pair?.key ?? (document.getIn(path, true) as Node | undefined);
  return node?.range?.[0];
}
