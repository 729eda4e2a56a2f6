import { defineStepKind } from '../../../platform/registries/index.ts';
import { batchInputsSchema, batchOutputsSchema } from './contract.ts';

/** The step kind `batch-predict`: scores every row of a file, a dataset version or a log with one packaged model. */
export const batchStep = defineStepKind({
  kind: 'batch-predict',
  place: 'work',
  inputs: batchInputsSchema,
  outputs: batchOutputsSchema,
  timeoutMs: 24 * 3_600_000,
  async run(inputs, context) {
    // Loaded here: control names the step and must not carry what it needs.
    const { controlParts, runBatch } = await import('./run-batch.ts');
    const batchId = context.stepRunId;
    return runBatch(inputs, { batchId, context, parts: controlParts(context, batchId) });
  },
});
