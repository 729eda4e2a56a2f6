/** Which slices a slice may use, through their index.ts. A new edge is a line here and a record in docs/decisions. */
export const SLICE_EDGES = {
  data: [],
  experiments: ['data'],
  tuning: ['experiments'],
  pipelines: [],
  evaluation: ['data', 'experiments'],
  registry: ['experiments', 'evaluation'],
  serving: ['registry'],
  feedback: ['serving'],
  monitoring: ['data', 'evaluation', 'feedback'],
  governance: ['registry', 'evaluation'],
} as const satisfies Record<string, readonly string[]>;

export const MAX_FILE_LINES = 500;
export const MAX_MEDIAN_LINES = 130;

/** Files that every slice has. */
export const SLICE_FILES = ['README.md', 'index.ts', 'contract.ts'] as const;

/** Tools whose configuration file has to be a default export. */
export const DEFAULT_EXPORT_ALLOWED: readonly string[] = ['web/vite.config.ts'];

/** One place where the code leaves the plan: where, the rule, and what to do instead. */
export interface Breach {
  readonly file: string;
  readonly line: number;
  readonly problem: string;
  readonly rule: string;
  readonly wayOut: string;
}

/** The message of a breach as the test prints it. */
export function describeBreach(breach: Breach): string {
  return [
    `${breach.file}:${breach.line} ${breach.problem}`,
    `  rule:    ${breach.rule}`,
    `  way out: ${breach.wayOut}`,
  ].join('\n');
}
