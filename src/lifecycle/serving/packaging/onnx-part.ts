import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PackageManifest, SignatureField } from '../../../core/model-package.ts';
import {
  chooseScore,
  type ImportedOnnx,
  importOnnx,
  OnnxModel,
  runtimeMessage,
} from '../../../platform/onnx/index.ts';
import type { StepContext } from '../../../platform/registries/index.ts';
import { bindGraph, signatureOf } from './bind-graph.ts';
import type { LoggedSource, PackagePart } from './build-package.ts';
import { convertModel, NotConverted } from './convert-model.ts';
import { refused } from './read-mlmodel.ts';
import { cellsOf, readSample } from './sample.ts';

/** Greatest difference between the Python model and its ONNX form: absolute for probabilities, else relative. */
export const differenceBound = 1e-3;

const realTypes: readonly string[] = ['double', 'float'] satisfies SignatureField['type'][];

/** Marks the single columns that may hold no value. */
export function nullable(
  fields: readonly SignatureField[],
  may: (field: SignatureField) => boolean,
): readonly SignatureField[] {
  return fields.map((field) =>
    field.shape.length === 0 && may(field) ? { ...field, nullable: true } : field,
  );
}

/** A graph that computes the sample. */
interface TriedGraph {
  readonly imported: ImportedOnnx;
  readonly fields: readonly SignatureField[];
  readonly graph: PackageManifest['graph'];
  /** Numbers of a row, by the output. */
  readonly widths: Readonly<Record<string, number>>;
}

interface ToldGraph extends TriedGraph {
  readonly classes: PackageManifest['classes'];
  readonly conversion: PackageManifest['conversion'];
  /** The output that the model's own `predict` gives, where that is known. */
  readonly primary: PackageManifest['primary'];
}

/** A model that was logged as ONNX. Throws `package_refused`, `onnx_invalid`. */
export async function loggedOnnx(
  source: LoggedSource,
  context: StepContext,
  fit: (fields: readonly SignatureField[]) => void,
): Promise<PackagePart> {
  const { model, files } = source;
  const digest = files.get(model.onnxFile ?? '');
  if (!digest)
    throw refused(
      `its file ${model.onnxFile} was not uploaded`,
      'Log the model again with mlflow.onnx.log_model.',
    );
  const imported = importOnnx(await context.blobs.bytes(digest));
  if (imported.cutZipMaps.length > 0) context.log(`cut ZipMap at ${imported.cutZipMaps.join(', ')}`);
  // What MLflow gives to a graph of its own is given to it here: it computes with NaN as with any number.
  const fields = nullable(model.inputs ?? signatureOf(imported.inputs), (f) => realTypes.includes(f.type));
  fit(fields);
  const classes = imported.classes ? [...imported.classes] : null;
  const graph = await tried(() => imported, fields, source);
  return onnxPart({ ...graph, classes, conversion: null, primary: null }, context);
}

/** The ONNX form of a model of Python. Throws `NotConverted` when it has none that is as good. */
export async function convertedOnnx(
  python: string,
  source: LoggedSource,
  inputs: readonly SignatureField[],
  holdout: readonly Readonly<Record<string, unknown>>[],
  context: StepContext,
): Promise<PackagePart> {
  const directory = join(context.workDir, 'model');
  for (const [path, digest] of source.files) {
    const target = join(directory, path);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(await context.blobs.path(digest), target);
  }
  const { flavor } = source.model;
  const sample = readSample(source.example, inputs);
  const model = { flavor, directory, inputs };
  const converted = await convertModel(context, python, model, sample, holdout, differenceBound);
  const { rows, maxAbsDifference } = converted;
  const fields = nullable(inputs, ({ name }) => converted.missing.includes(name));
  // What this server's runtime cannot compute is no form of the model, whatever Python's made of it.
  const graph = await tried(() => importOnnx(converted.onnx), fields, source).catch((error: unknown) => {
    const problem = `its ONNX form does not run here: ${runtimeMessage(error)}`;
    const remedy = 'Leave the runtime out: it is served as Python then.';
    throw new NotConverted({ problem, remedy, difference: maxAbsDifference });
  });
  const { imported } = graph;
  const conversion = {
    flavor,
    rows,
    maxAbsDifference,
    bound: differenceBound,
    used: true,
    problem: null,
    holdout: converted.holdout,
  };
  const classes = converted.classes ?? (imported.classes ? [...imported.classes] : null);
  const { predictsProbabilities } = source.model;
  const primary = converted.primary ?? primaryOf(imported.outputs, classes, predictsProbabilities);
  return onnxPart({ ...graph, classes, conversion, primary }, context);
}

/** Binds a graph to the columns and has it compute a row of the example. Throws what keeps it from that. */
async function tried(
  load: () => ImportedOnnx,
  fields: readonly SignatureField[],
  source: LoggedSource,
): Promise<TriedGraph> {
  const imported = load();
  const graph = { inputs: bindGraph(imported.inputs, fields), outputs: [...imported.outputs] };
  const draft = { signature: { inputs: [...fields], outputs: [] as SignatureField[] }, graph, score: null };
  const session = await OnnxModel.load(imported.bytes, draft);
  const [row = []] = cellsOf(readSample(source.example, fields), fields);
  const trial = await session.predictRows([row]).finally(() => session.close());
  const widths = Object.fromEntries(trial.outputs.map((o) => [o.name, o.width]));
  return { imported, fields, graph, widths };
}

async function onnxPart(
  { imported, fields, graph, widths, ...told }: ToldGraph,
  context: StepContext,
): Promise<PackagePart> {
  const { digest: onnx } = await context.blobs.put(imported.bytes);
  return {
    runtime: { kind: 'onnx' },
    onnx,
    fields,
    outputs: signatureOf(imported.outputs).map((f) => ({
      ...f,
      shape: (widths[f.name] ?? 1) > 1 ? [widths[f.name] ?? 1] : [],
    })),
    graph,
    score: chooseScore(imported.outputs, widths),
    ...told,
  };
}

/** What the converted model's `predict` gives: its label, its probabilities behind that, or its only value. */
function primaryOf(
  outputs: ImportedOnnx['outputs'],
  classes: PackageManifest['classes'],
  probabilities: boolean,
) {
  if (probabilities && classes !== null) return outputs[1]?.name ?? null;
  return outputs.length === 1 || classes !== null ? (outputs[0]?.name ?? null) : null;
}
