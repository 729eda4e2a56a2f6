import { compact, oneOf, type RawSearch, text } from '../../kit/search-params.ts';

/**
 * The view of the list of runs. `filter` and `order` are the server's grammars, sent as they are; `cols` the columns
 * (see runs/columns.ts); `nested` shows child runs under their parents.
 */
export type RunsSearch = {
  experiment?: string;
  filter?: string;
  order?: string;
  cols?: string;
  view?: 'deleted' | 'all';
  nested?: 'yes';
};

export const runsSearch = (raw: RawSearch): RunsSearch =>
  compact({
    experiment: text(raw.experiment),
    filter: text(raw.filter),
    order: text(raw.order),
    cols: text(raw.cols),
    view: oneOf(raw.view, ['deleted', 'all'] as const),
    nested: oneOf(raw.nested, ['yes'] as const),
  });

/**
 * The view of one run. `path` is the open file or folder of its artifacts, `owner` the logged model that it belongs
 * to; `metric` a part of the names of the metrics shown; `x`, `smooth`, `log` how they are drawn.
 */
export type RunSearch = {
  tab?: 'metrics' | 'files' | 'images' | 'traces';
  path?: string;
  owner?: string;
  metric?: string;
  x?: 'time' | 'relative';
  smooth?: string;
  log?: 'y';
  trace?: string;
};

export const runSearch = (raw: RawSearch): RunSearch =>
  compact({
    tab: oneOf(raw.tab, ['metrics', 'files', 'images', 'traces'] as const),
    path: text(raw.path),
    owner: text(raw.owner),
    metric: text(raw.metric),
    x: oneOf(raw.x, ['time', 'relative'] as const),
    smooth: text(raw.smooth),
    log: oneOf(raw.log, ['y'] as const),
    trace: text(raw.trace),
  });

/** Which runs are compared (`runs`, see compare/run-ids.ts) and what of them is looked at. */
export type CompareSearch = {
  runs?: string;
  show?: 'metrics' | 'curves' | 'scatter' | 'parallel' | 'files';
  all?: 'yes';
  key?: string;
  x?: string;
  y?: string;
  axes?: string;
  colour?: string;
};

export const compareSearch = (raw: RawSearch): CompareSearch =>
  compact({
    runs: text(raw.runs),
    show: oneOf(raw.show, ['metrics', 'curves', 'scatter', 'parallel', 'files'] as const),
    all: oneOf(raw.all, ['yes'] as const),
    key: text(raw.key),
    x: text(raw.x),
    y: text(raw.y),
    axes: text(raw.axes),
    colour: text(raw.colour),
  });

/** The list of experiments: a part of their names, and whether deleted ones are shown. */
export type ExperimentsSearch = { query?: string; view?: 'deleted' };

export const experimentsSearch = (raw: RawSearch): ExperimentsSearch =>
  compact({ query: text(raw.query), view: oneOf(raw.view, ['deleted'] as const) });
