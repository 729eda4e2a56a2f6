import { z } from 'zod';
import { verdictSchema } from '../../../core/gate-result.ts';
import { metricDirectionSchema, metricValueSchema } from '../../experiments/contract.ts';

/**
 * What differs between two versions of a registered model. Lists hold what differs; how much is the same is
 * counted. In every pair null means that this version has none. Browser-safe.
 */

const textPair = { from: z.string().nullable(), to: z.string().nullable() };

/** A param or tag with another value, or one that only one of the two has. */
const textDifferenceSchema = z.object({ key: z.string(), ...textPair });

const metricDifferenceSchema = z.object({
  key: z.string(),
  from: metricValueSchema.nullable(),
  to: metricValueSchema.nullable(),
  /** `to` less `from`; null when one of them is missing or NaN. */
  difference: z.number().nullable(),
  direction: metricDirectionSchema,
  /** True when nobody has said so and the direction is guessed from the metric's name. */
  isDirectionGuessed: z.boolean(),
  /** Whether `to` is better by that direction; null when it cannot be said. */
  isBetter: z.boolean().nullable(),
});
export type MetricDifference = z.infer<typeof metricDifferenceSchema>;

/** A dataset by its name and use; the same digest is the same data. */
const datasetDifferenceSchema = z.object({
  name: z.string(),
  /** What it was used for, as `training`; empty when nobody said so. */
  context: z.string(),
  /** Digests. */
  ...textPair,
});
export type DatasetDifference = z.infer<typeof datasetDifferenceSchema>;

/** A column in words: `double`, `double, optional`, `double [30]`. */
const columnDifferenceSchema = z.object({
  side: z.enum(['input', 'output']),
  name: z.string(),
  change: z.enum(['added', 'removed', 'changed']),
  ...textPair,
});
export type ColumnDifference = z.infer<typeof columnDifferenceSchema>;

/** A line of requirements.txt, conda.yaml or python_env.yaml, paired by the package that it names. */
const environmentDifferenceSchema = z.object({
  file: z.string(),
  /** The package, as `scikit-learn`; the line itself where it names none. */
  name: z.string(),
  ...textPair,
});
export type EnvironmentDifference = z.infer<typeof environmentDifferenceSchema>;

const gateDifferenceSchema = z.object({
  name: z.string(),
  from: z.object({ verdict: verdictSchema, value: z.number().nullable() }).nullable(),
  to: z.object({ verdict: verdictSchema, value: z.number().nullable() }).nullable(),
});
export type GateDifference = z.infer<typeof gateDifferenceSchema>;

/** Facts of one of the two, for the heads of the columns. */
const comparedVersionSchema = z.object({
  version: z.number().int(),
  stage: z.string(),
  aliases: z.array(z.string()),
  createdAt: z.string(),
  createdBy: z.string(),
  source: z.string(),
  digest: z.string().nullable(),
  modelId: z.string().nullable(),
  runId: z.string().nullable(),
  runName: z.string().nullable(),
  /** Git commit of the code that trained it. */
  commit: z.string().nullable(),
  /** Script or notebook that trained it. */
  entryPoint: z.string().nullable(),
});
export type ComparedVersion = z.infer<typeof comparedVersionSchema>;

const differencesOf = <T extends z.ZodType>(item: T) =>
  z.object({ differing: z.array(item), sameCount: z.number().int() });

export const versionComparisonSchema = z.object({
  name: z.string(),
  from: comparedVersionSchema,
  to: comparedVersionSchema,
  params: differencesOf(textDifferenceSchema),
  metrics: differencesOf(metricDifferenceSchema),
  tags: differencesOf(textDifferenceSchema),
  datasets: differencesOf(datasetDifferenceSchema),
  signature: differencesOf(columnDifferenceSchema),
  environment: differencesOf(environmentDifferenceSchema),
  gates: differencesOf(gateDifferenceSchema),
  /** Null when one of the two is not packaged. */
  isSamePackage: z.boolean().nullable(),
  /** Null when one of the two has no commit. */
  isSameCommit: z.boolean().nullable(),
  /** What could not be compared and why, in sentences. */
  notes: z.array(z.string()),
});
export type VersionComparison = z.infer<typeof versionComparisonSchema>;

/** `GET /api/v1/registered-models/:name/compare` */
export const compareQuerySchema = z.strictObject({
  from: z.coerce.number().int().min(1),
  to: z.coerce.number().int().min(1),
});
