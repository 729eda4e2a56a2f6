import { fail } from '../../core/errors.ts';
import type { GraphStep, GraphTensor, PackageManifest, SignatureField } from '../../core/model-package.ts';
import {
  cellDimensions,
  cellReader,
  joinedCells,
  type OutputTensor,
  type Prediction,
  reshapedDimensions,
} from '../onnx/index.ts';
import type { LoadedModel, ModelCall } from './open-model.ts';
import { predictionOf } from './prediction.ts';

type ModelStep = Extract<GraphStep, { kind: 'model' }>;
type Rows = readonly (readonly unknown[])[];

/** A package that a step uses. */
export interface GraphPart {
  readonly manifest: PackageManifest;
  readonly model: LoadedModel;
}

/** A tensor between steps; `shape` has all of its dimensions, that of rows too. */
type Tensor = Pick<OutputTensor, 'type' | 'shape'> & { readonly data: ArrayLike<unknown> };

/** The steps of a graph that is served by its tensors: models one after the other. Throws `graph_invalid` for others. */
export function tensorSteps(step: GraphStep): readonly ModelStep[] {
  const steps = step.kind === 'sequence' ? step.steps : [step];
  return steps.map((inner) => {
    if (inner.kind === 'model') return inner;
    throw fail('graph_invalid', { step: inner.name, problem: 'tensors go through models alone' });
  });
}

/**
 * Predicts with a graph whose steps pass tensors on as they are. A step whose model counts rows gets each row of the
 * first dimension, every other the tensors as a whole. Throws `graph_step_failed` for tensors that do not fit a step,
 * and what the models throw as it came: `inStep` names the step.
 *
 * @param rows cells in the order of the signature, laid out as `bindTensors` does
 */
export async function predictTensors(
  manifest: PackageManifest,
  step: GraphStep,
  parts: ReadonlyMap<string, GraphPart>,
  rows: Rows,
  call: ModelCall,
  inStep: (step: GraphStep, error: unknown) => Error,
): Promise<Prediction> {
  const whole = manifest.tensors === 'whole';
  const tensors = new Map<string, Tensor>();
  manifest.signature.inputs.forEach((field, i) => {
    const input = manifest.graph.inputs.find(({ name }) => name === field.name);
    const cells = rows.map((row) => row[i]);
    if (cells[0] === undefined) return;
    const type = input?.type ?? 'string';
    tensors.set(field.name, { type, ...gathered(field, insideOf(input, whole), cells, whole) });
  });
  for (const inner of tensorSteps(step)) {
    const part = parts.get(inner.package);
    if (!part) throw new Error(`package ${inner.package} is not loaded`);
    try {
      for (const [name, tensor] of await runStep(inner, part, tensors, call)) tensors.set(name, tensor);
    } catch (error) {
      throw inStep(inner, error);
    }
  }
  const outputs = manifest.graph.outputs.map((output): OutputTensor => {
    const { name, datatype } = output;
    const tensor = tensors.get(name);
    if (!tensor) throw inStep(step, new Error(`no step gave "${name}"`));
    const data = tensor.data as OutputTensor['data'];
    const field = manifest.signature.outputs.find((told) => told.name === name)?.shape ?? [];
    const inside = insideOf(output, whole);
    const made = asWanted(tensor.shape, inside, whole);
    const shape = [
      ...made.slice(0, whole ? 0 : 1),
      ...reshapedDimensions(made.slice(whole ? 0 : 1), inside, field),
    ];
    const width = rows.length === 0 ? 0 : data.length / rows.length;
    return { type: tensor.type, datatype, shape, name, data, width };
  });
  return predictionOf(manifest, outputs, rows.length);
}

/** The cells of an input as one tensor with the dimensions that its steps take: those of cells whose dimensions vary. */
function gathered(
  { shape }: SignatureField,
  inside: readonly number[],
  cells: readonly unknown[],
  whole: boolean,
): Pick<Tensor, 'shape' | 'data'> {
  const dims = shape.some((d) => d < 0) ? cellDimensions(cells[0]) : inside;
  const data = shape.length === 0 ? cells : joinedCells(cells);
  return { shape: whole ? dims : [cells.length, ...dims], data };
}

async function runStep(
  step: ModelStep,
  { manifest, model }: GraphPart,
  tensors: ReadonlyMap<string, Tensor>,
  call: ModelCall,
): Promise<ReadonlyMap<string, Tensor>> {
  const whole = manifest.tensors === 'whole';
  let rowCount = 1;
  const columns = manifest.signature.inputs.map((field) => {
    const tensor = tensors.get(step.inputs?.[field.name] ?? field.name);
    if (!tensor) return null;
    const shape = asWanted(tensor.shape, field.shape, whole);
    const dims = whole ? shape : shape.slice(1);
    if (!fits(dims, field.shape)) {
      throw new Error(`its input "${field.name}" takes [${field.shape}], it was given [${tensor.shape}]`);
    }
    if (!whole) rowCount = shape[0] ?? 1;
    const input = manifest.graph.inputs.find(({ name }) => name === field.name);
    const inside = insideOf(input, whole);
    const nested = whole || field.shape.some((d) => d < 0);
    return cellReader(tensor.data, field.shape.length === 0 ? [] : dims, {
      field: field.shape,
      inside,
      nested,
    });
  });
  const rows = Array.from({ length: rowCount }, (_, row) => columns.map((cell) => cell?.(row)));
  const { outputs, whole: oneRow } = await model.predictRows(rows, call);
  const made = new Map<string, Tensor>();
  for (const { name, type, shape, data } of outputs) {
    const told = step.outputs ? step.outputs[name] : name;
    if (told !== undefined) made.set(told, { type, data, shape: whole && !oneRow ? shape.slice(1) : shape });
  }
  return made;
}

/**
 * Dimensions for one who counts rows, or counts none (`whole`), of a tensor that may come from one who does the other:
 * one that lacks the dimension of rows is one row, and that of one row may go, as in Triton's ensembles.
 */
function asWanted(shape: readonly number[], field: readonly number[], whole: boolean): readonly number[] {
  if (!whole) return shape.length === field.length ? [1, ...shape] : shape;
  return shape.length === field.length + 1 && shape[0] === 1 ? shape.slice(1) : shape;
}

/** The dimensions that a model computes with, without that of rows. */
function insideOf(tensor: GraphTensor | undefined, whole: boolean): readonly number[] {
  return (whole ? tensor?.shape : tensor?.shape.slice(1)) ?? [];
}

/** A column without dimensions takes one value. */
function fits(dims: readonly number[], field: readonly number[]): boolean {
  if (field.length === 0) return dims.every((d) => d === 1);
  return dims.length === field.length && field.every((d, i) => d < 0 || d === dims[i]);
}
