import { z } from 'zod';

/**
 * Where a version comes from and where it went: data → run → logged model → version → endpoints, a graph whose
 * arrows point from cause to effect. Things are told apart by digest where they have one. Browser-safe.
 */

const lineageKindSchema = z.enum(['dataset', 'run', 'logged-model', 'model-version', 'endpoint']);
export type LineageKind = z.infer<typeof lineageKindSchema>;

const lineageNodeSchema = z.object({
  /** `<kind>:<reference>`, unique within the graph. */
  id: z.string(),
  kind: lineageKindSchema,
  /** Name for people: `flights v3`, `late/4`, the run's name. */
  title: z.string(),
  /** Dataset version id, run id, logged-model id, `<model>/<version>` or endpoint; for links. Null: not of this server. */
  reference: z.string().nullable(),
  /** Digest of the content: dataset or package. */
  digest: z.string().nullable(),
  at: z.string().nullable(),
  /** Short facts in words: rows of a dataset, status of a run, share of the traffic. */
  facts: z.array(z.object({ name: z.string(), value: z.string() })),
});
export type LineageNode = z.infer<typeof lineageNodeSchema>;

const lineageEdgeSchema = z.object({
  /** Ids of nodes. */
  from: z.string(),
  to: z.string(),
  /** How: `training` (the context of the data), `logged`, `registered`, `copied`, `refit`, `part` (of a graph of packages), `champion`, `challenger`, `shadow`. */
  label: z.string(),
});
export type LineageEdge = z.infer<typeof lineageEdgeSchema>;

export const lineageSchema = z.object({
  /** Id of the node that was asked for. */
  subject: z.string(),
  nodes: z.array(lineageNodeSchema),
  edges: z.array(lineageEdgeSchema),
  /** True when there is more than was read. */
  isCut: z.boolean(),
});
export type Lineage = z.infer<typeof lineageSchema>;

/** `GET /api/v1/lineage?dataset=<id of a dataset version, or digest>`: what came from this data. */
export const datasetLineageQuerySchema = z.strictObject({ dataset: z.string().min(1) });
