import { defineStepKind } from '../../platform/registries/index.ts';
import type { RuntimeHosts } from '../../platform/runtimes/index.ts';
import { evaluateInputsSchema, evaluateOutputsSchema } from './contract.ts';

/**
 * The step kind `evaluate`: judges a packaged model on a hold-out, beside a dummy model and the champion.
 *
 * @param hosts gives what models run with that are no ONNX graphs
 */
export function evaluateStep(hosts: () => Promise<RuntimeHosts>) {
  return defineStepKind({
    kind: 'evaluate',
    place: 'work',
    inputs: evaluateInputsSchema,
    outputs: evaluateOutputsSchema,
    async run(inputs, context) {
      // Loaded here, since the ONNX runtime is heavy and control only names the step.
      const { evaluateModel } = await import('./evaluate-model.ts');
      return { report: await evaluateModel(inputs, context, await hosts()) };
    },
  });
}
