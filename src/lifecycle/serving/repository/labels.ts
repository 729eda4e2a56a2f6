import type { GraphOutput } from '../../../core/model-package.ts';
import type { ModelConfig } from './model-config.ts';
import type { ModelSource } from './model-source.ts';

/**
 * Outputs with the labels of their classes, one a line, from the file that the configuration names for each. A class
 * without a name has an empty line, or none at the end, as in Triton. Throws an Error for a file that is not there.
 */
export async function labelled(
  outputs: readonly GraphOutput[],
  version: string,
  source: ModelSource,
  config: ModelConfig,
): Promise<readonly GraphOutput[]> {
  const labelsOf = async (name: string): Promise<readonly string[] | null> => {
    const file = config.output?.find((output) => output.name === name)?.label_filename;
    if (!file) return null;
    const bytes = (await source.read(`${version}/${file}`)) ?? (await source.read(file));
    if (!bytes) throw new Error(`the file of labels ${file} does not exist`);
    const lines = new TextDecoder().decode(bytes).trimEnd().split(/\r?\n/);
    return lines.map((line) => line.trim());
  };
  return Promise.all(
    outputs.map(async (output) => {
      const labels = await labelsOf(output.name);
      return labels ? { ...output, labels: [...labels] } : output;
    }),
  );
}
