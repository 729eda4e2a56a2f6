import { MillraceError } from '../../core/errors.ts';
import { type Actor, systemActor } from '../../platform/access/index.ts';
import { defineStepKind } from '../../platform/registries/index.ts';
import { labelJoinInputsSchema, labelJoinOutputsSchema } from './contract.ts';
import type { FeedbackService } from './service.ts';

/**
 * Step kind `label-join`: what was predicted and what came true, as rows to train on. Every label that was acknowledged
 * before it begins is in, with its prediction, unless a replica that is away has that.
 *
 * @param sealed resolves when control has what replicas have logged so far; throws `replicas_unsealed`
 */
export function labelJoinStep(
  service: Pick<FeedbackService, 'flush' | 'labelJoin'>,
  sealed: () => Promise<void>,
  actor: Actor = systemActor,
) {
  return defineStepKind({
    kind: 'label-join',
    place: 'control',
    inputs: labelJoinInputsSchema,
    outputs: labelJoinOutputsSchema,
    async run({ from, to, ...inputs }, context) {
      await sealed().catch((error: unknown) => {
        if (!(error instanceof MillraceError && error.code === 'replicas_unsealed')) throw error;
        context.log(`rows are left out: ${error.message}`);
      });
      await service.flush(inputs.endpoint);
      const join = { ...inputs, fromMs: Date.parse(from), toMs: Date.parse(to) };
      const outputs = await service.labelJoin(actor, join, context.workDir);
      context.log(`${outputs.rows} labelled predictions of ${inputs.endpoint} from ${from} to ${to}`);
      context.log(`${outputs.waiting} more have no label yet and were left out`);
      return outputs;
    },
  });
}
