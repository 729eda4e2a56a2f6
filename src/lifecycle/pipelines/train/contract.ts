import { z } from 'zod';
import { digestSchema } from '../../../core/model-types.ts';

/** Inputs of the step kind `train`. */
export const trainInputsSchema = z.strictObject({
  /** Command line of the script; see `commandLine`. */
  run: z.string().min(1),
  params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  /** Parquet blob with the rows to train on; the hold-out is not among them. */
  dataDigest: digestSchema,
  dataRows: z.int(),
  /** The script and what it needs, as blobs. */
  files: z.array(z.strictObject({ path: z.string(), digest: digestSchema })),
  /** MLflow experiment that the runs go to unless the script names another. */
  experiment: z.string().min(1),
});
export type TrainInputs = z.infer<typeof trainInputsSchema>;

/** Outputs of the step kind `train`. What it logged is found by the step's id in the experiments slice. */
export const trainOutputsSchema = z.strictObject({
  /** The words that were run, with the data's path as `${data}`. */
  command: z.array(z.string()),
  durationMs: z.number(),
});
export type TrainOutputs = z.infer<typeof trainOutputsSchema>;
