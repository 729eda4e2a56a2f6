import { type PackageManifest, takesRequests } from '../../../core/model-package.ts';
import type { PredictReply, ReplyOutput } from '../../../lifecycle/serving/index.ts';

/**
 * Writes `{"predictions": …}`: what the model's own `predict` gives. That is one value per row where the package
 * names the output or the model was made by scikit-learn, and an object of outputs per row for others; a model of Python
 * that gives lists by name, or one thing for one row, is answered so. What the model gave nested is nested. `prediction_ids` comes beside it. NaN and infinities, which JSON has not, are null.
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
  const only = onlyOutput(reply, manifest);
  // The list of a tensor that is more than one long, or empty, is the list of predictions.
  if (stacked && only && (only.shape[0] ?? 1) !== 1) return rowsJson(reply, manifest).join(',');
  return answerJson(reply, manifest);
}

/** The model's answer as it gave it: a list of rows, lists by name, or all of an answer to one row. */
function answerJson(reply: PredictReply, manifest: PackageManifest): string {
  const form = reply.outputs[0]?.answered;
  if (form === 'columns') return columnsJson(reply, manifest);
  const rows = rowsJson(reply, manifest);
  return form === 'row' && rows.length === 1 ? rows.join() : `[${rows.join(',')}]`;
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

/** The same for KServe's first protocol: always a list, where the values of a model's only output have no name. */
export function writeV1Predictions(reply: PredictReply, manifest: PackageManifest, stacked: boolean): string {
  const [only, ...others] = manifest.graph.outputs;
  const unnamed = only && others.length === 0 ? only.name : null;
  const outputs = reply.outputs.map((output) => ({ ...output, answered: undefined }));
  return writePredictions(
    { ...reply, outputs },
    { ...manifest, primary: manifest.primary ?? unnamed },
    stacked,
  );
}

/** Predictions without anything around them: what MLflow answers to a body that is the row itself. */
export function writeBare(reply: PredictReply, manifest: PackageManifest): string {
  return takesRequests(manifest.signature) ? wholeJson(reply) : answerJson(reply, manifest);
}

/** The output that is what the model's own `predict` gives; undefined where all are. */
function onlyOutput({ outputs }: PredictReply, { primary, conversion }: PackageManifest) {
  return outputs.find((output) => output.name === primary) ?? (conversion === null ? undefined : outputs[0]);
}

function rowsJson(reply: PredictReply, manifest: PackageManifest): string[] {
  const only = onlyOutput(reply, manifest);
  return reply.rows.map((_, row) => {
    if (only) return cellJson(only, row, manifest);
    const members = reply.outputs.map(
      (output) => `${JSON.stringify(output.name)}:${cellJson(output, row, manifest)}`,
    );
    return `{${members.join(',')}}`;
  });
}

function columnsJson(reply: PredictReply, manifest: PackageManifest): string {
  const columns = reply.outputs.map((output) => {
    const cells = reply.rows.map((_, row) => cellJson(output, row, manifest));
    return `${JSON.stringify(output.name)}:[${cells.join(',')}]`;
  });
  return `{${columns.join(',')}}`;
}

function cellJson(output: ReplyOutput, row: number, { runtime, tensors }: PackageManifest): string {
  const { width, shape, texts, json } = output;
  const text = texts()[row] ?? 'null';
  if (json) return JSON.parse(text) as string;
  // A graph has a column of values where the model that it was made of has values.
  const isValue = width === 1 && shape.length < (runtime.kind === 'python' ? 2 : 3);
  const isRow = tensors === 'whole' && shape[0] !== 1;
  return isValue ? text : nested(text, width, isRow ? shape : shape.slice(1));
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
