import { type Actor, systemActor } from '../../platform/access/index.ts';
import { defineStepKind } from '../../platform/registries/index.ts';
import { labelJoinInputsSchema, labelJoinOutputsSchema } from './contract.ts';
import type { FeedbackService } from './service.ts';

/** Step kind `label-join`: what was predicted and what came true, as rows to train on. */
export function labelJoinStep(service: FeedbackService, actor: Actor = systemActor) {
  return defineStepKind({
    kind: 'label-join',
    place: 'control',
    inputs: labelJoinInputsSchema,
    outputs: labelJoinOutputsSchema,
    async run({ from, to, ...inputs }, context) {
      const join = { ...inputs, fromMs: Date.parse(from), toMs: Date.parse(to) };
      const outputs = await service.labelJoin(actor, join, context.workDir);
      context.log(`${outputs.rows} labelled predictions of ${inputs.endpoint} from ${from} to ${to}`);
      context.log(`${outputs.waiting} more have no label yet and were left out`);
      return outputs;
    },
  });
}
