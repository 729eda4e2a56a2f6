import type { PackageManifest } from '../../core/model-package.ts';
import type { OutputTensor, Prediction } from '../onnx/index.ts';

/** Outputs with the score that the package names: NaN where it is no number, null where there is none. */
export function predictionOf(
  { score: place, tensors }: Pick<PackageManifest, 'score' | 'tensors'>,
  outputs: readonly OutputTensor[],
  rowCount: number,
): Prediction {
  const whole = tensors === 'whole' ? { whole: true as const } : {};
  const output = place && outputs.find((o) => o.name === place.output);
  if (!place || !output) return { rowCount, outputs, score: null, ...whole };
  const score = new Float64Array(rowCount);
  for (let row = 0; row < rowCount; row++) score[row] = Number(output.data[row * output.width + place.index]);
  return { rowCount, outputs, score, ...whole };
}

/** What a model gave for a score that is no finite number, as a person is told: texts are not repeated. */
export function badScore(
  { score: place }: Pick<PackageManifest, 'score'>,
  { outputs, score }: Prediction,
  row: number,
): string {
  const output = outputs.find((o) => o.name === place?.output);
  const cell = output?.data[row * output.width + (place?.index ?? 0)];
  return typeof cell === 'string' ? 'a text' : String(score?.[row]);
}

/** The sample rows of a package, their cells in the order of its inputs. */
export function sampleRows({ sample, signature }: PackageManifest): readonly (readonly unknown[])[] {
  return sample.map((row) => signature.inputs.map((field) => row[field.name]));
}
