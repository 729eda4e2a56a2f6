import type { ModelConfig } from './model-config.ts';
import type { ModelSource } from './model-source.ts';

/**
 * Labels of classes, one a line, from the file that an output names; null where none does. A class without a name has an
 * empty line, as in Triton.
 */
export async function readLabels(
  version: string,
  source: ModelSource,
  config: ModelConfig,
): Promise<readonly string[] | null> {
  const file = config.output?.find((output) => output.label_filename)?.label_filename;
  if (!file) return null;
  const bytes = (await source.read(`${version}/${file}`)) ?? (await source.read(file));
  if (!bytes) throw new Error(`the file of labels ${file} does not exist`);
  const lines = new TextDecoder().decode(bytes).trimEnd().split(/\r?\n/);
  return lines.map((line) => line.trim());
}
