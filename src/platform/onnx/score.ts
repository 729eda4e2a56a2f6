import type { GraphTensor, PackageManifest } from '../../core/model-package.ts';

/**
 * Which output (and which column of it) is the score: the probability of the positive class, which is the
 * second column of a two-column floating-point output; a one-column output is the score itself
 * (regression, or a sigmoid). An output named like a probability comes first. Null for several classes,
 * where no single number tells, and for models without a floating-point output.
 *
 * @param widths values per row of each output, as a run gave them
 */
export function chooseScore(
  outputs: readonly GraphTensor[],
  widths: Readonly<Record<string, number>>,
): PackageManifest['score'] {
  const real = outputs.filter((o) => o.type === 'float' || o.type === 'double');
  const ordered = [...real].sort((a, b) => Number(/prob/i.test(b.name)) - Number(/prob/i.test(a.name)));
  for (const output of ordered) {
    const width = widths[output.name];
    if (width === 2) return { output: output.name, index: 1 };
    if (width === 1) return { output: output.name, index: 0 };
  }
  return null;
}
