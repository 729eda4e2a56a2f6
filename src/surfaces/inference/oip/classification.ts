import type { PackageManifest } from '../../../core/model-package.ts';
import type { ReplyOutput } from '../../../lifecycle/serving/index.ts';
import { malformed } from '../request-context.ts';
import { datatypeOf } from './datatypes.ts';

/** Values are sorted where requests are answered: more would hold up the others. */
const mostValues = 1_000_000;

/**
 * Triton's classification extension: each row's `top` highest values, the highest first and the first of equals
 * first, as `value:index` or `value:index:label`. NaN come last. Throws `request_malformed` for an output that
 * is not numeric or has more than a million values.
 *
 * @param manifest the model: the labels are the output's own, else the names of its classes where those are as many as a
 *   row has values; where it takes the tensors of a request whole, all values are one row
 */
export function classify(
  { name, type, width: rowWidth, shape, values }: ReplyOutput,
  top: number,
  manifest: Pick<PackageManifest, 'classes' | 'graph' | 'tensors'> | null,
): { readonly texts: readonly string[]; readonly shape: readonly number[] } {
  if (type === 'string' || type === 'bool') {
    const datatype = datatypeOf({ type });
    throw malformed(
      `class result not available for output due to unsupported type '${datatype}': "${name}" has no numbers to sort`,
    );
  }
  const whole = manifest?.tensors === 'whole';
  const rowCount = whole ? 1 : (shape[0] ?? 0);
  const width = whole ? shape.reduce((product, d) => product * d, 1) : rowWidth;
  if (rowCount * width > mostValues) {
    throw malformed(`classification output tensor too large: "${name}" has more than ${mostValues} values`);
  }
  const count = Math.min(top, width);
  const own = manifest?.graph.outputs.find((output) => output.name === name)?.labels;
  const labels = own ?? (manifest?.classes?.length === width ? manifest.classes : []);
  const all = values();
  const texts: string[] = [];
  for (let row = 0; row < rowCount; row++) {
    const cells = Array.from({ length: width }, (_, i) => all[row * width + i] as number | bigint);
    const order = cells.map((_, i) => i).sort((a, b) => descending(cells[a], cells[b]) || a - b);
    for (const i of order.slice(0, count)) {
      const label = labels[i] ?? '';
      texts.push(`${text(cells[i], type)}:${i}${label === '' ? '' : `:${label}`}`);
    }
  }
  return { texts, shape: whole ? [count] : [rowCount, count] };
}

type Cell = number | bigint | undefined;

function descending(a: Cell, b: Cell): number {
  const [noA, noB] = [Number.isNaN(a), Number.isNaN(b)];
  if (noA || noB) return Number(noA) - Number(noB);
  return (a as number) > (b as number) ? -1 : Number((a as number) < (b as number));
}

/** Fractions have six digits behind the point, as Triton writes them. */
function text(value: Cell, type: ReplyOutput['type']): string {
  return (type === 'float' || type === 'double') && Number.isFinite(value)
    ? (value as number).toFixed(6)
    : String(value);
}
