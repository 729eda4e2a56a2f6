import { defineStepKind } from '../../../platform/registries/index.ts';
import { batchInputsSchema, batchOutputsSchema } from './contract.ts';
import type { PythonSettings } from './protocol.ts';

/**
 * The step kind `batch-predict`: scores every row of a file, a dataset version or a log with one packaged model.
 *
 * @param python how models run that are Python
 */
export function batchStep(python: () => Promise<PythonSettings>) {
  return defineStepKind({
    kind: 'batch-predict',
    place: 'work',
    inputs: batchInputsSchema,
    outputs: batchOutputsSchema,
    timeoutMs: 24 * 3_600_000,
    async run(inputs, context) {
      // Loaded here: control names the step and must not carry what it needs.
      const { controlParts, runBatch } = await import('./run-batch.ts');
      const batchId = context.stepRunId;
      const parts = controlParts(context, batchId);
      return runBatch(inputs, { batchId, context, parts, python: await python() });
    },
  });
}
