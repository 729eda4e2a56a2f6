import { defineStepKind, type StepContext } from '../../../platform/registries/index.ts';
import { type BatchInputs, type BatchOutputs, batchInputsSchema, batchOutputsSchema } from './contract.ts';
import type { PythonSettings } from './protocol.ts';
import type { BatchRun } from './run-batch.ts';

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
    run: (inputs, context) => runBatchStep(inputs, context, python),
  });
}

/**
 * Scores a batch as a step. Its finished parts are kept at control under the step's id, so that they tell how far it
 * is, and the next attempt goes on behind them.
 *
 * @param parts who keeps them instead of control
 */
export async function runBatchStep(
  inputs: BatchInputs,
  context: StepContext,
  python: () => Promise<PythonSettings | null>,
  parts?: BatchRun['parts'],
): Promise<BatchOutputs> {
  // Loaded here: control names the step and must not carry what it needs.
  const { controlParts, runBatch } = await import('./run-batch.ts');
  const batchId = context.stepRunId;
  return runBatch(inputs, {
    batchId,
    context,
    parts: parts ?? controlParts(context, batchId),
    python: await python(),
  });
}
