import { z } from 'zod';
import { systemActor } from '../../platform/access/index.ts';
import { defineStepKind } from '../../platform/registries/index.ts';
import { digestSchema, routeArmSchema } from './contract.ts';
import type { ServingService } from './service.ts';

export { packageInputsSchema, packageOutputsSchema, packageStep } from './packaging/package-step.ts';

/** Inputs of the step kind `deploy`. */
export const deployInputsSchema = z.strictObject({
  endpoint: z.string(),
  modelVersion: z.string(),
  packageDigest: digestSchema,
  /** Null: all traffic, as champion. A share (0..1): as challenger. */
  weight: z.number().min(0).max(1).nullable().default(null),
  reason: z.string(),
});

/** Outputs of the step kind `deploy`: the route, and who answers by it. */
export const deployOutputsSchema = z.strictObject({
  routeVersion: z.int(),
  arms: z.array(routeArmSchema),
  replicas: z.array(z.string()),
  settledMs: z.number(),
});

/** The step kind `deploy`: changes an endpoint's route and waits until every connected replica answers by it. */
export function deployStep(service: ServingService) {
  return defineStepKind({
    kind: 'deploy',
    place: 'control',
    inputs: deployInputsSchema,
    outputs: deployOutputsSchema,
    timeoutMs: 120_000,
    run: async ({ endpoint, weight, reason, ...target }, context) => {
      const startedMs = performance.now();
      const { routeVersion, arms } =
        weight === null
          ? await service.deploy(systemActor, endpoint, target, reason)
          : await service.challenge(systemActor, endpoint, target, weight, reason);
      const replicas = await service.settled(endpoint, routeVersion, { signal: context.signal });
      return { routeVersion, arms, replicas: [...replicas], settledMs: performance.now() - startedMs };
    },
  });
}
