import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

export interface SourceFile {
  /** Path from the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const ROOTS = ['src', 'web', 'test', 'e2e', 'bench', 'scripts', 'examples', 'python'];
const SKIPPED = new Set(['node_modules', 'dist', 'generated', 'fixtures', '__pycache__', '.venv', '.demo']);

/** Reads every source file (.ts, .tsx, .py) and slice README of a checkout. */
export function readSourceTree(root: string): SourceFile[] {
  const files: SourceFile[] = [];
  const visit = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) {
        if (!SKIPPED.has(entry.name)) visit(path);
      } else if (/\.(ts|tsx|py)$/.test(entry.name) || entry.name === 'README.md') {
        files.push({ path: relative(root, path).split(sep).join('/'), text: readFileSync(path, 'utf8') });
      }
    }
  };
  const present = new Set(readdirSync(root));
  for (const name of ROOTS) if (present.has(name)) visit(join(root, name));
  return files;
}

/** The line of a character offset, from 1. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

export function isTest(path: string): boolean {
  return /\.(test|testing)\.tsx?$/.test(path) || /\/testing(\/|\.ts$)/.test(path);
}
