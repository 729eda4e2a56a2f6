import {
  type Breach,
  DEFAULT_EXPORT_ALLOWED,
  MAX_FILE_LINES,
  MAX_MEDIAN_LINES,
  SLICE_FILES,
} from './rules.ts';
import { lineAt, type SourceFile } from './source-tree.ts';

const DEFAULT_EXPORT = /^export default\b|^export\s*\{[^}]*\bas default\b/m;

/** Files that are too long, and whether they are too long in the middle of all. */
export function lengthBreaches(files: readonly SourceFile[]): Breach[] {
  const lengths = files
    .filter((file) => !file.path.endsWith('.md'))
    .map((file) => ({ file, lines: file.text.split('\n').length - (file.text.endsWith('\n') ? 1 : 0) }))
    .sort((a, b) => a.lines - b.lines);
  const middle = lengths[lengths.length >> 1];
  const median: Breach[] =
    middle === undefined || lengths.length < 20 || middle.lines <= MAX_MEDIAN_LINES
      ? []
      : [
          {
            file: middle.file.path,
            line: middle.lines,
            problem: `is the median file, with ${middle.lines} lines`,
            rule: `Half of the files are shorter than ${MAX_MEDIAN_LINES} lines.`,
            wayOut: 'Split files that do several things; it need not be this one.',
          },
        ];
  const long = lengths
    .filter(({ lines }) => lines > MAX_FILE_LINES)
    .map(({ file, lines }) => ({
      file: file.path,
      line: lines,
      problem: `has ${lines} lines`,
      rule: `No file is longer than ${MAX_FILE_LINES} lines.`,
      wayOut: 'Split it into files that are each named after what they export.',
    }));
  return [...median, ...long];
}

/** Default exports, which give one thing a different name in every file that imports it. */
export function defaultExportBreaches(files: readonly SourceFile[]): Breach[] {
  return files.flatMap((file) => {
    const match = /\.tsx?$/.test(file.path) ? DEFAULT_EXPORT.exec(file.text) : null;
    if (match === null || DEFAULT_EXPORT_ALLOWED.includes(file.path)) return [];
    return [
      {
        file: file.path,
        line: lineAt(file.text, match.index),
        problem: 'has a default export',
        rule: 'One thing has one name everywhere: no default exports.',
        wayOut: 'Export it by its name.',
      },
    ];
  });
}

/** Slices without one of the files that every slice has. */
export function sliceFileBreaches(files: readonly SourceFile[]): Breach[] {
  const paths = new Set(files.map((file) => file.path));
  const slices = new Set(files.flatMap((file) => /^src\/lifecycle\/[^/]+(?=\/)/.exec(file.path)?.[0] ?? []));
  return [...slices].sort().flatMap((slice) =>
    SLICE_FILES.filter((name) => !paths.has(`${slice}/${name}`)).map((name) => ({
      file: slice,
      line: 1,
      problem: `has no ${name}`,
      rule: `Every slice has ${SLICE_FILES.join(', ')}.`,
      wayOut: 'Write it: README.md says the question it answers, its tables, events in and out, and limits.',
    })),
  );
}
