import { compact, oneOf, type RawSearch, text } from '../../kit/search-params.ts';

const VIEWS = ['labels', 'replays'] as const;
const OUTCOMES = ['correct', 'wrong'] as const;
const LABELLED = ['true', 'false'] as const;

/** Without `view`: the log. `id` opens the panel of one prediction, `replay` that of a replay. */
export type PredictionsSearch = {
  view?: (typeof VIEWS)[number];
  endpoint?: string;
  /** The name of any arm; `shadow` for copies. */
  arm?: string;
  version?: string;
  status?: string;
  labelled?: (typeof LABELLED)[number];
  outcome?: (typeof OUTCOMES)[number];
  entity?: string;
  /** Only scores from `minScore` to `maxScore`. */
  minScore?: string;
  maxScore?: string;
  /** Event time, RFC 3339. */
  from?: string;
  to?: string;
  /** Only rows in which this feature has this value; in the view of labels delays are split by it. */
  feature?: string;
  value?: string;
  id?: string;
  replay?: string;
};

export const predictionsSearch = (raw: RawSearch): PredictionsSearch =>
  compact({
    view: oneOf(raw.view, VIEWS),
    endpoint: text(raw.endpoint),
    arm: text(raw.arm),
    version: text(raw.version),
    status: text(raw.status),
    labelled: oneOf(raw.labelled, LABELLED),
    outcome: oneOf(raw.outcome, OUTCOMES),
    entity: text(raw.entity),
    minScore: text(raw.minScore),
    maxScore: text(raw.maxScore),
    from: text(raw.from),
    to: text(raw.to),
    feature: text(raw.feature),
    value: text(raw.value),
    id: text(raw.id),
    replay: text(raw.replay),
  });

/** A change of the view; undefined takes a member away. */
export type SearchChange = { readonly [K in keyof PredictionsSearch]?: PredictionsSearch[K] | undefined };

const FILTERS = [
  'arm',
  'version',
  'status',
  'labelled',
  'outcome',
  'entity',
  'minScore',
  'maxScore',
  'from',
  'to',
  'feature',
  'value',
] as const satisfies readonly (keyof PredictionsSearch)[];

/** The filters of a view as the API takes them. A feature without a value filters nothing yet. */
export function filtersOf(search: PredictionsSearch): Readonly<Record<string, string>> {
  const given = Object.fromEntries(
    FILTERS.flatMap((name) => (search[name] === undefined ? [] : [[name, search[name] as string]])),
  );
  const { version, feature, value, ...others } = given;
  return {
    ...others,
    ...(version === undefined ? {} : { modelVersion: version }),
    ...(feature === undefined || value === undefined ? {} : { feature, value }),
  };
}

/** Takes every filter away. */
export const noFilters: SearchChange = Object.fromEntries(FILTERS.map((name) => [name, undefined]));

/** What can be chosen with how often it occurs, and whatever is chosen already. */
export function choices(
  found: readonly { readonly name: string; readonly rows: number }[],
  chosen: string | undefined,
): readonly { readonly name: string; readonly rows: number }[] {
  const totals = new Map<string, number>();
  for (const { name, rows } of found) totals.set(name, (totals.get(name) ?? 0) + rows);
  if (chosen !== undefined && !totals.has(chosen)) totals.set(chosen, 0);
  return [...totals].map(([name, rows]) => ({ name, rows }));
}
