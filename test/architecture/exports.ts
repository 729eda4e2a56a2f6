import type { Breach } from './rules.ts';
import { lineAt, type SourceFile } from './source-tree.ts';

const EXPORTED =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:function\*?|const|let|class|interface|type|enum) +([\w$]+)/gm;

/** What is exported though no other file has its name, in whatever meaning. */
export function exportBreaches(files: readonly SourceFile[]): Breach[] {
  const code = files.filter(({ path }) => /\.tsx?$/.test(path));
  const places = new Map<string, number>();
  for (const { text } of code) {
    for (const word of new Set(text.match(/[\w$]+/g))) places.set(word, (places.get(word) ?? 0) + 1);
  }
  return code.flatMap(({ path, text }) =>
    [...text.matchAll(EXPORTED)]
      .filter(([, name = '']) => places.get(name) === 1)
      .map(({ index, 1: name = '' }) => ({
        file: path,
        line: lineAt(text, index),
        problem: `exports ${name}, which no other file names`,
        rule: 'An export says that others use it.',
        wayOut: 'Take the `export` off; what its own file does not use either goes.',
      })),
  );
}
