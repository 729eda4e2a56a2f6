/** With which code, and in which environment, a run was made. */
import { z } from 'zod';

/** What a step tells of its script when it has ended; it goes to all runs that the script made. */
export const codeStateSchema = z.strictObject({
  git: z
    .strictObject({
      commit: z.string().regex(/^[0-9a-f]{7,64}$/),
      branch: z.string().max(500).nullable(),
      repoUrl: z.string().max(2000).nullable(),
      /** What the files differ from the commit, as `git diff` says it; empty when they do not. */
      diff: z.string().max(2_000_000),
    })
    .nullable(),
  environment: z
    .strictObject({
      /** Version of Python: `3.11.7`. */
      python: z.string().max(100),
      platform: z.string().max(500),
      /** `name==version`, one for each installed package. */
      packages: z.array(z.string().max(500)).max(10_000),
    })
    .nullable(),
  /** What the script wrote to stdout and stderr, the last of it where it was much. */
  output: z.string().max(4_000_000),
});
export type CodeState = z.infer<typeof codeStateSchema>;

export const runCodeSchema = z.object({
  /** The commit of the script's repository; null where it is in none. */
  commit: z.string().nullable(),
  branch: z.string().nullable(),
  repoUrl: z.string().nullable(),
  /** Whether the files differed from the commit; null when nobody knows. */
  isDirty: z.boolean().nullable(),
  entryPoint: z.string().nullable(),
  python: z.string().nullable(),
  platform: z.string().nullable(),
  /** Artifacts of the run that tell more: the changes, the installed packages, what was written out. */
  files: z.array(z.string()),
});
export type RunCode = z.infer<typeof runCodeSchema>;
