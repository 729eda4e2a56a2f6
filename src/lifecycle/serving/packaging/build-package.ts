import { copyFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { canonicalJson, type Digest } from '../../../core/json.ts';
import {
  type PackageManifest,
  packageManifestSchema,
  type SignatureField,
} from '../../../core/model-package.ts';
import { chooseScore, importOnnx, OnnxModel } from '../../../platform/onnx/index.ts';
import type { StepContext } from '../../../platform/registries/index.ts';
import { bindGraph, signatureOf } from './bind-graph.ts';
import { convertModel } from './convert-model.ts';
import { requireContractFit } from './fit-contract.ts';
import type { PackageInputs, PackageOutputs } from './package-step.ts';
import { type MlflowModel, readExample, readMlmodel, refused } from './read-mlmodel.ts';

/** Sample rows kept with the package, for warm-up and to try it. */
const sampleRows = 5;
/** Greatest difference between the Python model and its ONNX form: absolute for probabilities, else relative. */
const differenceBound = 1e-3;

/**
 * Makes a servable package of a logged model: ONNX (converted where it is not), the signature with its columns
 * bound to the graph's inputs, the score's place, the contract, sample rows; stores it and returns its digest.
 * Errors: `package_refused`, `onnx_invalid`, `python_missing`.
 */
export async function buildPackage(
  python: string,
  inputs: PackageInputs,
  context: StepContext,
): Promise<PackageOutputs> {
  const root = modelRoot(inputs.files);
  const files = new Map(inputs.files.map((f) => [f.path.slice(root.length), f.digest as Digest]));
  const text = async (path: string) => {
    const digest = files.get(path);
    return digest ? (await context.blobs.bytes(digest)).toString('utf8') : null;
  };
  const model = readMlmodel((await text('MLmodel')) ?? '');
  const example = model.exampleFile === null ? null : await text(model.exampleFile);
  const source = await (model.flavor === 'onnx'
    ? loggedOnnx(model, files, context)
    : convertedOnnx(python, model, files, example, context));
  const { imported, fields } = source;
  if (inputs.contract) requireContractFit(fields, inputs.contract);
  const graphInputs = bindGraph(imported.inputs, fields);
  const sample = readSample(example, fields);

  const draft = {
    signature: { inputs: [...fields], outputs: [] as SignatureField[] },
    graph: { inputs: graphInputs, outputs: [...imported.outputs] },
    score: null,
  };
  const session = await OnnxModel.load(imported.bytes, draft);
  const trial = await session.predictRows([fields.map((f) => sample[0]?.[f.name] ?? emptyValue(f))]);
  await session.close();
  const widths = Object.fromEntries(trial.outputs.map((o) => [o.name, o.width]));
  const contract = inputs.contract ? (await context.blobs.put(canonicalJson(inputs.contract))).digest : null;
  const { digest: onnx, sizeBytes } = await context.blobs.put(imported.bytes);
  const manifest: PackageManifest = packageManifestSchema.parse({
    formatVersion: 1,
    model: inputs.model,
    onnx,
    signature: {
      inputs: fields,
      outputs: signatureOf(imported.outputs).map((f) => ({
        ...f,
        shape: (widths[f.name] ?? 1) > 1 ? [widths[f.name]] : [],
      })),
    },
    graph: draft.graph,
    score: chooseScore(imported.outputs, widths),
    classes: source.classes,
    contract,
    sample: sample.slice(0, sampleRows),
    conversion: source.conversion,
  });
  const { digest } = await context.blobs.put(canonicalJson(manifest));
  const score = manifest.score ? `${manifest.score.output}[${manifest.score.index}]` : 'none';
  context.log(`package ${digest}: ${fields.length} inputs, score ${score}, ONNX ${sizeBytes} bytes`);
  return {
    digest,
    model: inputs.model,
    flavor: model.flavor,
    onnxSizeBytes: sizeBytes,
    inputs: [...fields],
    score: manifest.score,
    classes: manifest.classes,
    conversion: manifest.conversion,
  };
}

interface Source {
  readonly imported: ReturnType<typeof importOnnx>;
  readonly fields: readonly SignatureField[];
  readonly classes: PackageManifest['classes'];
  readonly conversion: PackageManifest['conversion'];
}

async function loggedOnnx(
  model: MlflowModel,
  files: ReadonlyMap<string, Digest>,
  context: StepContext,
): Promise<Source> {
  const digest = files.get(model.onnxFile ?? '');
  if (!digest)
    throw refused(
      `its file ${model.onnxFile} was not uploaded`,
      'Log the model again with mlflow.onnx.log_model.',
    );
  const imported = importOnnx(await context.blobs.bytes(digest));
  if (imported.cutZipMaps.length > 0) context.log(`cut ZipMap at ${imported.cutZipMaps.join(', ')}`);
  const fields = model.inputs ?? signatureOf(imported.inputs);
  return { imported, fields, classes: imported.classes ? [...imported.classes] : null, conversion: null };
}

async function convertedOnnx(
  python: string,
  model: MlflowModel,
  files: ReadonlyMap<string, Digest>,
  example: string | null,
  context: StepContext,
): Promise<Source> {
  if (!model.inputs) {
    throw refused(
      'it was logged without a signature',
      'Pass signature=infer_signature(X, model.predict(X)) to log_model.',
    );
  }
  const directory = join(context.workDir, 'model');
  for (const [path, digest] of files) {
    const target = join(directory, path);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(await context.blobs.path(digest), target);
  }
  const { flavor, inputs } = model;
  const sample = readSample(example, inputs);
  const { onnx, rows, maxAbsDifference, classes } = await convertModel(
    context,
    python,
    { flavor, directory, inputs },
    sample,
    differenceBound,
  );
  const imported = importOnnx(onnx);
  return {
    imported,
    fields: inputs,
    classes: classes ?? (imported.classes ? [...imported.classes] : null),
    conversion: {
      flavor,
      rows,
      maxAbsDifference,
      bound: differenceBound,
      used: true,
      problem: null,
      holdout: null,
    },
  };
}

function readSample(
  example: string | null,
  fields: readonly SignatureField[],
): readonly Record<string, unknown>[] {
  const rows = example === null ? [] : readExample(example, fields);
  return rows.length > 0 ? rows : [Object.fromEntries(fields.map((f) => [f.name, emptyValue(f)]))];
}

/** A value of the right type, for a model that was logged without an example. */
function emptyValue(field: SignatureField): unknown {
  const scalar = field.type === 'string' ? '' : field.type === 'boolean' ? false : 0;
  const size = field.shape.reduce((product, d) => product * Math.max(1, d), 1);
  return field.shape.length === 0 ? scalar : new Array(size).fill(scalar);
}

/** The folder that holds MLmodel. Throws `package_refused` when there is none. */
function modelRoot(files: PackageInputs['files']): string {
  const file = files.find((f) => f.path === 'MLmodel' || f.path.endsWith('/MLmodel'));
  if (!file) throw refused('it has no MLmodel file', 'Log it with mlflow.<flavor>.log_model.');
  return file.path.slice(0, -'MLmodel'.length);
}
