import { type PackageManifest, takesRequests } from '../../../core/model-package.ts';
import type { PredictReply } from '../../../lifecycle/serving/index.ts';

/**
 * Writes `{"predictions": …}`: what the model's own `predict` gives. That is one value per row where the package
 * names the output or the model was made by scikit-learn, and an object of outputs per row for others.
 * What the model gave nested is nested. `prediction_ids` comes beside it. NaN and infinities, which JSON has not, are null.
 *
 * @param stacked the request was the model's whole tensors, see readStacked: the value of its one row is all there is
 */
export function writePredictions(reply: PredictReply, manifest: PackageManifest, stacked = false): string {
  const ids = reply.rows.map((r) => JSON.stringify(r.predictionId));
  const predictions = takesRequests(manifest.signature)
    ? wholeJson(reply)
    : listJson(reply, manifest, stacked);
  return `{"predictions":${predictions},"prediction_ids":[${ids.join(',')}]}`;
}

function listJson(reply: PredictReply, manifest: PackageManifest, stacked: boolean): string {
  const rows = rowsJson(reply, manifest).join(',');
  const only = onlyOutput(reply, manifest);
  // The list of a tensor that is more than one long, or empty, is the list of predictions.
  return stacked && only && (only.shape[0] ?? 1) !== 1 ? rows : `[${rows}]`;
}

/** What a model without a signature gave for a request. */
function wholeJson({ outputs }: PredictReply): string {
  const [output] = outputs;
  if (!output) return 'null';
  const { texts, json, shape, width } = output;
  const [text = 'null'] = texts();
  if (json) return JSON.parse(text) as string;
  return shape.length === 0 ? text : nested(text, width, shape);
}

/** The same for KServe's first protocol, where the values of a model's only output have no name. */
export function writeV1Predictions(reply: PredictReply, manifest: PackageManifest, stacked: boolean): string {
  const [only, ...others] = manifest.graph.outputs;
  const unnamed = only && others.length === 0 ? only.name : null;
  return writePredictions(reply, { ...manifest, primary: manifest.primary ?? unnamed }, stacked);
}

/**
 * Predictions without anything around them: what MLflow answers to a body that is the row itself. A model of nested
 * inputs answers such a row with one thing, every other with a list of one.
 */
export function writeBare(reply: PredictReply, manifest: PackageManifest): string {
  if (takesRequests(manifest.signature)) return wholeJson(reply);
  const rows = rowsJson(reply, manifest);
  return manifest.signature.inputs.some((field) => field.json) ? rows.join() : `[${rows.join(',')}]`;
}

/** The output that is what the model's own `predict` gives; undefined where all are. */
function onlyOutput({ outputs }: PredictReply, { primary, conversion }: PackageManifest) {
  return outputs.find((output) => output.name === primary) ?? (conversion === null ? undefined : outputs[0]);
}

function rowsJson(reply: PredictReply, manifest: PackageManifest): string[] {
  const { runtime, tensors } = manifest;
  const only = onlyOutput(reply, manifest);
  const outputs = only ? [only] : reply.outputs;
  return reply.rows.map((_, row) => {
    const cells = outputs.map(({ name, width, shape, texts, json }) => {
      const text = texts()[row] ?? 'null';
      // A graph has a column of values where the model that it was made of has values.
      const isValue = width === 1 && shape.length < (runtime.kind === 'python' ? 2 : 3);
      const isRow = tensors === 'whole' && shape[0] !== 1;
      const value = isValue ? text : nested(text, width, isRow ? shape : shape.slice(1));
      const cell = json ? (JSON.parse(text) as string) : value;
      return only ? cell : `${JSON.stringify(name)}:${cell}`;
    });
    return only ? cells.join('') : `{${cells.join(',')}}`;
  });
}

/** A row's values in the lists that its shape has. */
function nested(text: string, width: number, shape: readonly number[]): string {
  const [first = width, ...rest] = shape;
  if (rest.length === 0 || width === 0) return `[${text}]`;
  const values = JSON.parse(`[${text}]`, keepDigits) as unknown[];
  const size = width / first;
  const parts = Array.from({ length: first }, (_, i) => values.slice(i * size, (i + 1) * size));
  return `[${parts.map((part) => nested(part.join(','), size, rest)).join(',')}]`;
}

/** Values as they are written, so that no digit is lost on the way through a number. */
function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return Array.isArray(value) ? value : (context?.source ?? 'null');
}
