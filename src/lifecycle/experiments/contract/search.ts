/** Searching runs, experiments and logged models: what may be asked, and the shape of the answers. */
import { z } from 'zod';

const viewSchema = z.enum(['active', 'deleted', 'all']).default('active');

/** `true` asks for the exact number of all matches beside the page. */
const countSchema = z.stringbool().default(false);

const page = {
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  after: z.string().optional(),
};

export const experimentListQuerySchema = z.strictObject({
  /** The filter grammar of docs/search.md: `name LIKE 'flight%' AND (tags.team = 'ops' OR age < '7d')`. */
  filter: z.string().optional(),
  /** Keys separated by commas: `name, creation_time DESC`. */
  orderBy: z.string().optional(),
  view: viewSchema,
  count: countSchema,
  ...page,
});
export type ExperimentListQuery = z.infer<typeof experimentListQuerySchema>;

export const runListQuerySchema = z.strictObject({
  /** One id, or several separated by commas; left out: all experiments. */
  experimentId: z.string().optional(),
  /** The filter grammar of docs/search.md: `metrics.auc.max > 0.7 AND NOT params.model IN ('lgbm', 'xgb')`. */
  filter: z.string().optional(),
  /** Keys separated by commas: `metrics.auc.best DESC, start_time DESC`. */
  orderBy: z.string().optional(),
  /**
   * What of each run is wanted, separated by commas: `metrics.loss, params.lr, tags.team`, or `metrics`,
   * `params`, `tags` for all of a kind. Left out: everything. A run's own fields (id, name, status, times) are
   * always there, so `fields=name` gives runs with empty `metrics`, `params` and `tags`.
   */
  fields: z.string().optional(),
  view: viewSchema,
  count: countSchema,
  ...page,
});
export type RunListQuery = z.infer<typeof runListQuerySchema>;

/** Models that the runs of a step logged, or that one run logged; or else by filter and order. */
export const loggedModelListQuerySchema = z
  .strictObject({
    stepRunId: z.string().optional(),
    runId: z.string().optional(),
    /** One id, or several separated by commas; left out: all experiments. */
    experimentId: z.string().optional(),
    /** The filter grammar of docs/search.md: `metrics.auc > 0.7 AND model_type = 'sklearn'`. */
    filter: z.string().optional(),
    /** Keys separated by commas: `metrics.auc DESC, creation_timestamp`. */
    orderBy: z.string().optional(),
    ...page,
  })
  .refine((query) => query.stepRunId === undefined || query.runId === undefined, {
    error: 'name stepRunId or runId, not both',
  });
export type LoggedModelListQuery = z.infer<typeof loggedModelListQuerySchema>;

const runColumnKindSchema = z.enum(['metric', 'param', 'tag']);
export type RunColumnKind = z.infer<typeof runColumnKindSchema>;

export const runColumnListQuerySchema = z.strictObject({
  /** Text that the key holds somewhere, in any case. */
  query: z.string().optional(),
  kind: runColumnKindSchema.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.string().optional(),
});

/** A key that some run of an experiment has, in the order kind (metric, param, tag) and key. */
export const runColumnSchema = z.object({
  kind: runColumnKindSchema,
  key: z.string(),
  /** How many of the experiment's latest runs (at most 200 of them, active ones) have it. */
  latestRuns: z.number().int(),
});
export type RunColumn = z.infer<typeof runColumnSchema>;

/** Where a filter or an order is wrong; part of the problem body of `filter_invalid`. */
const filterProblemSchema = z.object({
  /** What is wrong, without the place. */
  problem: z.string(),
  /** Zero-based offset of the first wrong character (UTF-16 units, as JavaScript counts). */
  position: z.number().int(),
  /** Length of the wrong part; 0 when something is missing at `position`. */
  length: z.number().int(),
  /** What could stand there. */
  expected: z.array(z.string()),
  /** Two lines: the text around the place, and a caret under it. */
  excerpt: z.string(),
});
export type FilterProblem = z.infer<typeof filterProblemSchema>;
