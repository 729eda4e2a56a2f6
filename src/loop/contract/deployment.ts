import { z } from 'zod';

/** `POST /api/v1/deployments`: has a registered version answer at an endpoint, without a loop. */
export const deployVersionInputSchema = z.strictObject({
  model: z.string().min(1),
  version: z.int().min(1),
  /** Declared if it is not there; the model's name unless given. */
  endpoint: z.string().min(1).optional(),
  /** What runs it: `auto` (unless given) takes ONNX where the model has such a form that is as good, else Python. */
  runtime: z.enum(['auto', 'onnx', 'python']).optional(),
  /** Make it servable, and leave the traffic as it is: for what a rollout or a split is to begin with. */
  packageOnly: z.boolean().optional(),
  reason: z.string().trim().min(1).max(2000),
});
export type DeployVersionInput = z.infer<typeof deployVersionInputSchema>;

/** How far a deployment without a loop has come. */
export const deploymentSchema = z.object({
  model: z.string(),
  version: z.int(),
  endpoint: z.string(),
  /**
   * `packaging`: the version is being made servable; the same request again tells how far it is. `loading`: the route
   * is set, and replicas still load the model; each takes it when it has, and so the request need not be repeated.
   */
  state: z.enum(['packaging', 'packaged', 'loading', 'deployed']),
  /** The step that packages it; null when it was packaged before. */
  stepRunId: z.string().nullable(),
  /** How the packaging before this one failed; null when it did not. Who was told of that step before should give up. */
  failure: z.object({ stepRunId: z.string(), code: z.string(), message: z.string() }).nullable(),
  routeVersion: z.int().nullable(),
  /** Replicas that still load the model. */
  loading: z.array(z.string()),
});
export type Deployment = z.infer<typeof deploymentSchema>;
