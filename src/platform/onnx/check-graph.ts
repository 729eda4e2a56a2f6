import { fail } from '../../core/errors.ts';
import { decode, type GraphParts, type Model } from './wire.ts';

const externalLocation = 1;
/** Graphs inside graphs (loops, branches) go no deeper than this in any sane model. */
const deepest = 64;

/**
 * Refuses what the runtime must never be given: weights that are in other files, in whatever corner of the model
 * they hide (a path in a model must not make this process read files), and a model without an opset. Throws
 * `onnx_invalid`; what protobufjs throws for damaged parts is passed on.
 */
export function checkGraph(model: Model, bytes: Uint8Array): void {
  if (!model.opsetImport?.length) {
    throw fail('onnx_invalid', { problem: 'it does not say which opset its operators are of' });
  }
  const parts = decode('ModelParts', bytes);
  if (parts.graph) checkParts(parts.graph, 0);
  for (const { node } of parts.functions ?? []) checkParts({ node: node ?? [] }, 0);
}

function checkParts({ node, initializer, sparseInitializer }: GraphParts, depth: number): void {
  if (depth > deepest)
    throw fail('onnx_invalid', { problem: `its graphs are nested more than ${deepest} deep` });
  for (const tensor of initializer ?? []) checkTensor(tensor, null);
  for (const { values, indices } of sparseInitializer ?? []) {
    for (const tensor of [values, indices]) if (tensor) checkTensor(tensor, null);
  }
  for (const { name, opType, attribute } of node ?? []) {
    for (const { t, tensors, sparseTensor, g, graphs } of attribute ?? []) {
      const own = [t, ...(tensors ?? []), sparseTensor?.values, sparseTensor?.indices];
      for (const tensor of own) if (tensor) checkTensor(tensor, name || opType || '');
      for (const graph of [g, ...(graphs ?? [])]) if (graph) checkParts(graph, depth + 1);
    }
  }
}

function checkTensor(
  { name, dataLocation }: { name?: string; dataLocation?: number },
  node: string | null,
): void {
  if (dataLocation !== externalLocation) return;
  const what = name || (node === null ? 'a tensor' : `node ${node}`);
  throw fail('onnx_invalid', { problem: `the weights of "${what}" are in another file` });
}
