import { fail } from '../../../core/errors.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { CodeState, RunCode } from '../contract/code.ts';
import type { RunRecord } from '../records.ts';
import { hydrateRuns } from '../store/hydrate.ts';
import { runRowsOfStep, setRunTags } from '../store/runs.ts';
import type { Tag } from '../validation.ts';
import { artifactOperations } from './artifacts.ts';
import type { ExperimentsDeps } from './context.ts';

const folder = 'code';
const keys = {
  commit: 'mlflow.source.git.commit',
  branch: 'mlflow.source.git.branch',
  repoUrl: 'mlflow.source.git.repoURL',
  entryPoint: 'mlflow.source.name',
  isDirty: 'millrace.code.dirty',
  python: 'millrace.code.python',
  platform: 'millrace.code.platform',
  files: 'millrace.code.files',
} as const;

/** The code and environment of runs that Millrace started: tags and artifacts of the runs, as MLflow names them. */
export function codeStateOperations(deps: ExperimentsDeps) {
  const { db } = deps;

  return {
    /**
     * Records the code state of a step's script with all runs that the step made; what the script has said itself
     * stays. Returns how many runs these are. Throws `forbidden` for whoever is no step.
     */
    async record(actor: Actor, state: CodeState): Promise<number> {
      authorize(actor, 'experiments:write');
      if (actor.kind !== 'job') throw fail('forbidden', { actor: actor.id, permission: 'jobs:run' });
      const artifacts = artifactOperations(deps);
      const files = filesOf(state);
      const rows = await runRowsOfStep(db.read, actor.id);
      const runs = await hydrateRuns(db.read, rows);
      for (const [i, run] of runs.entries()) {
        for (const [name, text] of files) {
          await artifacts.write(actor, run.artifactUri, `${folder}/${name}`, Buffer.from(text));
        }
        const said = new Set(run.tags.map((tag) => tag.key));
        const tags = tagsOf(state, [...files.keys()]).filter((tag) => !said.has(tag.key));
        const seq = rows[i]?.seq;
        if (seq !== undefined) await db.write((tx) => setRunTags(tx, seq, tags));
      }
      return runs.length;
    },
  };
}

/** What is known of a run's code; null when that is nothing. */
export function codeOf(run: RunRecord): RunCode | null {
  const tag = (key: string): string | null => run.tags.find((t) => t.key === key)?.value || null;
  const files = tag(keys.files);
  const commit = tag(keys.commit);
  const python = tag(keys.python);
  if (files === null && commit === null && python === null) return null;
  const isDirty = tag(keys.isDirty);
  return {
    commit,
    branch: tag(keys.branch),
    repoUrl: tag(keys.repoUrl),
    isDirty: isDirty === null ? null : isDirty === 'true',
    entryPoint: tag(keys.entryPoint),
    python,
    platform: tag(keys.platform),
    files: files === null ? [] : files.split(',').map((name) => `${folder}/${name}`),
  };
}

function filesOf({ git, environment, output }: CodeState): ReadonlyMap<string, string> {
  return new Map([
    ...(environment ? [['environment.txt', `${environment.packages.join('\n')}\n`] as const] : []),
    ...(git?.diff ? [['changes.patch', git.diff] as const] : []),
    ...(output === '' ? [] : [['output.log', output] as const]),
  ]);
}

function tagsOf({ git, environment }: CodeState, files: readonly string[]): readonly Tag[] {
  const pairs: readonly (readonly [string, string | null | undefined])[] = [
    [keys.commit, git?.commit],
    [keys.branch, git?.branch],
    [keys.repoUrl, git?.repoUrl],
    [keys.isDirty, git && String(git.diff !== '')],
    [keys.python, environment?.python],
    [keys.platform, environment?.platform],
    [keys.files, files.length > 0 ? files.join(',') : null],
  ];
  return pairs.flatMap(([key, value]) => (value ? [{ key, value }] : []));
}
