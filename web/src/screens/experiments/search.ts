import { compact, type RawSearch, text } from '../../kit/search-params.ts';

/** `filter` and `order` are MLflow's grammars, sent to the server as they are. */
export type RunsSearch = { experiment?: string; filter?: string; order?: string };

export const runsSearch = (raw: RawSearch): RunsSearch =>
  compact({ experiment: text(raw.experiment), filter: text(raw.filter), order: text(raw.order) });

/** `path` is the open folder of the artifacts. */
export type RunSearch = { path?: string };

export const runSearch = (raw: RawSearch): RunSearch => compact({ path: text(raw.path) });
