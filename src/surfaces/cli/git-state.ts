import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const largestDiff = 1_000_000;

/** The file that goes beside the code; the step that runs it reads it (src/lifecycle/pipelines/train/code-state.ts). */
export const sourceFile = '.millrace-source.json';

/** Where training code came from: the commit, and how the files differ from it. */
interface GitState {
  readonly commit: string;
  readonly branch: string | null;
  /** Without a password that the address may hold. */
  readonly repoUrl: string | null;
  readonly diff: string;
}

/**
 * The state of files in the git repository that their folder is in; null where it is in none, or git is not there.
 * The commit is the last one that changed these files, so work on others does not make another state of them.
 */
export async function gitState(folder: string, files: readonly string[]): Promise<GitState | null> {
  const git = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await run('git', ['-C', folder, ...args], { maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  };
  try {
    const paths = files.length > 0 ? files : ['.'];
    const commit = (await git('log', '-1', '--format=%H', '--', ...paths)).trim();
    if (commit === '') return null;
    const branch = (await git('rev-parse', '--abbrev-ref', 'HEAD')).trim();
    const remote = await git('config', '--get', 'remote.origin.url').catch(() => '');
    const diff = await git('diff', 'HEAD', '--', ...paths);
    const untracked = (await git('ls-files', '--others', '--exclude-standard', '--', ...paths)).trim();
    const added = untracked === '' ? '' : `\nNot in the repository:\n${untracked}\n`;
    return {
      commit,
      branch: branch === 'HEAD' ? null : branch,
      repoUrl: remote.trim().replace(/\/\/[^/@]*@/, '//') || null,
      diff: `${diff}${added}`.slice(0, largestDiff),
    };
  } catch {
    return null;
  }
}
