import type { Digest } from '../../../core/json.ts';
import { formatTime } from '../../../core/time.ts';
import type { RepositoryEntry } from '../contract/model-repository.ts';
import type { LoadRetry } from './load-retry.ts';
import type { ModelSource } from './model-source.ts';

/** A version that answers. */
export interface Served {
  readonly version: string;
  readonly digest: Digest;
  readonly config: Readonly<Record<string, unknown>> | null;
}

/** What is known of a model that was seen once. */
export interface Known {
  /** Newest first. */
  served: readonly Served[];
  /** Why versions (or, under '', the model) could not be loaded at the last attempt. */
  problems: ReadonlyMap<string, string>;
  versions: readonly string[];
  /** Of the folder at the last attempt; null when there was none. */
  fingerprint: string | null;
  /** What is served was brought along by a load request. */
  given: boolean;
  /** Its configuration was brought along by a load request. */
  overridden: boolean;
  /** When a look tries it again though its files are the same; null: its files are what has to change. */
  retry: LoadRetry | null;
  /** Models that an ensemble is made of, by its configuration at the last attempt. */
  uses: readonly string[];
  state: 'LOADING' | 'UNLOADED' | 'SETTLED';
}

const unloaded = 'unloaded';

/** A model by its folder, with what is served of it until now. */
export function seenNow(folder: ModelSource | null, before?: Known): Known {
  return {
    served: before?.served ?? [],
    problems: new Map(),
    versions: folder?.versions ?? before?.versions ?? [],
    fingerprint: folder?.fingerprint ?? null,
    given: before?.given ?? false,
    overridden: before?.overridden ?? false,
    retry: null,
    uses: before?.uses ?? [],
    state: 'SETTLED',
  };
}

/** How a model stands, as the index tells it: an entry for each version that is served or could not be loaded. */
export function entriesOf(name: string, known: Known): readonly RepositoryEntry[] {
  const { served, versions, state, retry } = known;
  const again = retry ? `; tried again at ${formatTime(retry.atMs)}` : '';
  const problems = new Map([...known.problems].map(([version, problem]) => [version, problem + again]));
  const wholeProblem = problems.get('') ?? '';
  const names = new Set([...served.map((s) => s.version), ...problems.keys()].filter((v) => v !== ''));
  if (names.size === 0) {
    const loading = state === 'LOADING';
    const reason = wholeProblem || (loading ? '' : unloaded);
    return [{ name, version: versions.at(-1) ?? null, state: loading ? 'LOADING' : 'UNAVAILABLE', reason }];
  }
  return [...names]
    .sort((a, b) => Number(a) - Number(b))
    .map((version): RepositoryEntry => {
      const ready = served.some((s) => s.version === version);
      const problem = problems.get(version) ?? wholeProblem;
      if (!ready) return { name, version, state: 'UNAVAILABLE', reason: problem };
      return { name, version, state: 'READY', reason: problem && `an earlier file is served: ${problem}` };
    });
}
