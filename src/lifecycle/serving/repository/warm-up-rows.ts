import type { ElementType, SignatureField } from '../../../core/model-package.ts';
import { reshapedDimensions } from '../../../platform/onnx/index.ts';
import type { DerivedPackage } from './derive-package.ts';
import type { ModelConfig } from './model-config.ts';

type WarmUp = Pick<NonNullable<ModelConfig['model_warmup']>[number], 'batch_size' | 'inputs'>;

/** Rows of a warm-up beyond this add nothing. */
const mostRows = 128;

/**
 * Rows to warm a model up with: those of its `model_warmup` (zeros or random numbers of the given dimensions), else one
 * row of zeros, with free dimensions of 1.
 */
export function warmUpRows(
  { signature, graph, tensors }: DerivedPackage,
  config: ModelConfig,
): Record<string, unknown>[] {
  const settings: readonly WarmUp[] = config.model_warmup?.length
    ? config.model_warmup
    : [{ batch_size: 1, inputs: {} }];
  const rows = settings.flatMap(({ batch_size, inputs }) =>
    Array.from({ length: Math.max(1, batch_size) }, () =>
      Object.fromEntries(
        signature.inputs.map((field) => {
          const input = graph.inputs.find(({ name }) => name === field.name);
          const inside = input?.shape.slice(tensors === 'rows' ? 1 : 0) ?? [];
          const told = inputs[field.name];
          const dims = dimensions(field, told?.dims ?? [], inside);
          return [field.name, cellOf(field, input?.type ?? 'float', dims, told?.random_data === true)];
        }),
      ),
    ),
  );
  return rows.slice(0, mostRows);
}

/** Where some are free, those that the graph gets. */
function dimensions(
  { shape }: SignatureField,
  told: readonly number[],
  inside: readonly number[],
): readonly number[] {
  if (shape.every((d) => d >= 0)) return shape;
  const dims = shape.map((d, i) => (d >= 0 ? d : (told[i + told.length - shape.length] ?? 1)));
  return reshapedDimensions(dims, shape, inside);
}

function cellOf(
  { shape }: SignatureField,
  type: ElementType,
  dims: readonly number[],
  random: boolean,
): unknown {
  const value = () => {
    if (type === 'string') return '0';
    if (type === 'bool') return random && Math.random() < 0.5;
    if (!random) return 0;
    return type === 'float' || type === 'double' ? Math.random() : Math.floor(Math.random() * 100);
  };
  const nest = (depth: number): unknown =>
    depth === dims.length ? value() : Array.from({ length: dims[depth] ?? 0 }, () => nest(depth + 1));
  const isFree = shape.some((d) => d < 0);
  const size = dims.reduce((product, d) => product * d, 1);
  if (isFree || shape.length <= 1) return nest(0);
  return Array.from({ length: size }, value);
}
