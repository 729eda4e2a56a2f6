import { z } from 'zod';
import {
  columnTypeSchema,
  conversionReportSchema,
  digestSchema,
  packageManifestSchema,
  signatureFieldSchema,
} from '../../../core/model-package.ts';
import { defineStepKind } from '../../../platform/registries/index.ts';
import type { PackageTools } from './build-package.ts';
import { packagedContractSchema } from './fit-contract.ts';

/** Inputs of the step kind `package`. */
export const packageInputsSchema = z.strictObject({
  /** Registered model that the package is for. */
  model: z.string().min(1),
  /** The logged model's files, with MLmodel among them. */
  files: z.array(z.strictObject({ path: z.string(), digest: digestSchema })).min(1),
  /** The data contract that its inputs must fit, and that requests are checked against; null for none. */
  contract: packagedContractSchema.nullable().default(null),
  /** `auto`: ONNX where the model has such a form that is as good, else Python; `onnx` and `python` take no other. */
  runtime: z.enum(['auto', 'onnx', 'python']).default('auto'),
  /** Rows of a dataset that were held out of the training, by their time; the ONNX form is compared on them too. */
  holdout: z
    .strictObject({ dataset: digestSchema, column: z.string(), from: z.string(), to: z.string() })
    .nullable()
    .default(null),
});
export type PackageInputs = z.infer<typeof packageInputsSchema>;

/** Outputs of the step kind `package`. */
export const packageOutputsSchema = z.strictObject({
  /** Digest of the package's manifest: the digest of the model version. */
  digest: digestSchema,
  model: z.string(),
  flavor: z.string(),
  runtime: z.enum(['onnx', 'python', 'remote', 'graph']),
  inputs: z.array(signatureFieldSchema.extend({ type: columnTypeSchema })),
  score: packageManifestSchema.shape.score,
  classes: packageManifestSchema.shape.classes,
  conversion: conversionReportSchema.nullable(),
});
export type PackageOutputs = z.infer<typeof packageOutputsSchema>;

/**
 * The step kind `package`: makes a logged model servable.
 *
 * @param python the interpreter that has the conversion packages
 * @param host gives what runs models as Python
 */
export function packageStep(python: string, host: PackageTools['host']) {
  return defineStepKind({
    kind: 'package',
    place: 'work',
    inputs: packageInputsSchema,
    outputs: packageOutputsSchema,
    timeoutMs: 900_000,
    run: async (inputs, context) => {
      // Loaded here: control knows this kind too, and must not carry the inference runtime.
      const { buildPackage } = await import('./build-package.ts');
      return buildPackage({ python, host }, inputs, context);
    },
  });
}
