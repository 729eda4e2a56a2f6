import { z } from 'zod';
import { fail } from '../../core/errors.ts';
import { digestSchema } from '../../core/model-types.ts';
import { armGuardSchema } from '../../lifecycle/serving/index.ts';
import { defineStepKind } from '../../platform/registries/index.ts';
import type { LoopPorts } from '../ports.ts';

/** Inputs of the step kind `deploy`. */
const deployInputsSchema = z.strictObject({
  action: z.enum(['deploy', 'mirror', 'split', 'promote']),
  target: z.strictObject({
    endpoint: z.string(),
    model: z.string(),
    version: z.int(),
    digest: digestSchema,
  }),
  /** For `split`: the share of the traffic (0..1), whether the rest is copied, and what replicas watch for. */
  split: z.strictObject({ share: z.number(), mirror: z.boolean(), guard: armGuardSchema }).nullable(),
  reason: z.string(),
});

/** The route's version by which every connected replica answers. */
export const deployOutputsSchema = z.strictObject({ routeVersion: z.int() });

/** The step kind `deploy`: changes an endpoint's route and waits until every connected replica answers by it. */
export function deployStep(serving: LoopPorts['serving']) {
  return defineStepKind({
    kind: 'deploy',
    place: 'control',
    inputs: deployInputsSchema,
    outputs: deployOutputsSchema,
    async run({ action, target, split, reason }, context) {
      const change = () => {
        switch (action) {
          case 'deploy':
            return serving.deploy(target, reason);
          case 'mirror':
            return serving.mirror(target, reason);
          case 'split':
            if (split === null) throw fail('internal', { reference: 'a split without a share' });
            return serving.split(target, split, reason);
          case 'promote':
            return serving.promote(target, reason);
        }
      };
      context.signal.throwIfAborted();
      const routeVersion = await change();
      context.log(`route ${routeVersion} of ${target.endpoint}: ${reason}`);
      await serving.settled(target.endpoint, routeVersion, context.signal);
      context.log('every connected replica answers by it');
      return { routeVersion };
    },
  });
}
