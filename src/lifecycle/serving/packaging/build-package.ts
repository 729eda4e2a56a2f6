import { canonicalJson, type Digest } from '../../../core/json.ts';
import {
  type PackageManifest,
  packageManifestSchema,
  type SignatureField,
  takesRequests,
} from '../../../core/model-package.ts';
import type { PythonHost } from '../../../platform/python-runtime/index.ts';
import type { StepContext } from '../../../platform/registries/index.ts';
import { NotConverted } from './convert-model.ts';
import { requireContractFit } from './fit-contract.ts';
import { convertedOnnx, loggedOnnx } from './onnx-part.ts';
import type { PackageInputs, PackageOutputs } from './package-step.ts';
import { packagerVersion } from './packager-version.ts';
import { pythonPart, requestPart } from './python-part.ts';
import { readHoldout } from './read-holdout.ts';
import { type MlflowModel, readMlmodel, refused } from './read-mlmodel.ts';
import { readSample, sampleRows } from './sample.ts';

/** What packaging works with. */
export interface PackageTools {
  /** The interpreter that has the conversion packages. */
  readonly python: string;
  readonly host: () => Promise<PythonHost>;
}

/** A logged model as the parts of packaging get it. */
export interface LoggedSource {
  readonly name: string;
  readonly model: MlflowModel;
  /** Digests by the path below the folder of MLmodel. */
  readonly files: ReadonlyMap<string, Digest>;
  readonly example: string | null;
  readonly holdout: PackageInputs['holdout'];
}

/** What a part of packaging finds out: the manifest but for what is the same for all. */
export type PackagePart = Pick<
  PackageManifest,
  'runtime' | 'onnx' | 'graph' | 'score' | 'primary' | 'classes' | 'conversion'
> & {
  readonly fields: readonly SignatureField[];
  readonly outputs: readonly SignatureField[];
};

/**
 * Makes a servable package of a logged model: what computes it, the signature with its columns bound to the inputs,
 * the score's place, the contract, sample rows; stores it and returns its digest. ONNX where the model is that or
 * has a form in it that is as good, else the model itself, run as Python.
 * Errors: `package_refused`, `onnx_invalid`, `python_missing`, `python_environment_failed`, `python_start_failed`.
 */
export async function buildPackage(
  tools: PackageTools,
  inputs: PackageInputs,
  context: StepContext,
): Promise<PackageOutputs> {
  const root = modelRoot(inputs.files);
  const files = new Map(inputs.files.map((f) => [f.path.slice(root.length), f.digest]));
  const text = async (path: string) => {
    const digest = files.get(path);
    return digest ? (await context.blobs.bytes(digest)).toString('utf8') : null;
  };
  const model = readMlmodel((await text('MLmodel')) ?? '');
  const example = (model.exampleFile && (await text(model.exampleFile))) || model.emptyExample;
  const source: LoggedSource = { name: inputs.model, model, files, example, holdout: inputs.holdout };
  const part = await partOf(tools, source, inputs, context);
  const { fields, outputs, ...computed } = part;
  const free = takesRequests({ inputs: fields });
  if (free && inputs.contract) {
    throw refused(
      'it does not answer row by row, as its data contract has it',
      'Have its predict give one answer for each row that it is given.',
    );
  }
  const contract = inputs.contract ? (await context.blobs.put(canonicalJson(inputs.contract))).digest : null;
  const manifest: PackageManifest = packageManifestSchema.parse({
    formatVersion: 1,
    packager: packagerVersion,
    model: inputs.model,
    ...computed,
    signature: { inputs: fields, outputs, ...(model.params ? { params: model.params } : {}) },
    contract,
    sample: free ? [] : readSample(example, fields).slice(0, sampleRows),
    ...(free ? { tensors: 'whole', ...(model.tensors ? { asked: model.tensors } : {}) } : {}),
  });
  const { digest } = await context.blobs.put(canonicalJson(manifest));
  const score = manifest.score ? `${manifest.score.output}[${manifest.score.index}]` : 'none';
  context.log(`package ${digest}: ${manifest.runtime.kind}, ${fields.length} inputs, score ${score}`);
  return {
    digest,
    model: inputs.model,
    flavor: model.flavor,
    runtime: manifest.runtime.kind,
    inputs: [...fields],
    score: manifest.score,
    classes: manifest.classes,
    conversion: manifest.conversion,
  };
}

async function partOf(
  tools: PackageTools,
  source: LoggedSource,
  inputs: PackageInputs,
  context: StepContext,
): Promise<PackagePart> {
  const { model } = source;
  const { runtime, contract } = inputs;
  const fit = (fields: readonly SignatureField[]) => contract && requireContractFit(fields, contract);
  if (model.flavor === 'onnx' && (runtime !== 'python' || !model.python))
    return loggedOnnx(source, context, fit);
  const { inputs: fields } = model;
  if (!fields) return withoutSignature(tools, source, inputs, context);
  // How long its rows are, or how many there have to be, is each request's own matter: they are handed over as they are.
  const isWhole =
    fields.some(({ shape }) => shape.some((d) => d < 0)) || (model.fixedRows && !model.converter);
  if (isWhole && runtime !== 'onnx' && !contract && model.python) return requestPart(tools, source, context);
  fit(fields);
  if (runtime === 'python' || !model.converter) {
    if (runtime === 'onnx') {
      throw refused(
        `there is no converter for flavor ${model.flavor}`,
        'Leave the runtime out, or log the model as ONNX (mlflow.onnx.log_model).',
      );
    }
    return pythonPart(tools, source, fields, null, context);
  }
  try {
    const holdout = await readHoldout(inputs.holdout, fields, context);
    return await convertedOnnx(tools.python, source, fields, holdout, context);
  } catch (error) {
    if (!(error instanceof NotConverted)) throw error;
    if (runtime === 'onnx' || !model.python) throw refused(error.message, error.remedy);
    context.log(`served as Python: ${error.message}`);
    return pythonPart(tools, source, fields, error, context);
  }
}

/** Nothing is known of what it takes: requests reach it as they come, where nothing else is asked of it. */
function withoutSignature(
  tools: PackageTools,
  source: LoggedSource,
  { runtime, contract }: PackageInputs,
  context: StepContext,
): Promise<PackagePart> {
  const { noColumns } = source.model;
  const why = contract ? 'a data contract needs one' : runtime === 'onnx' ? 'its ONNX form needs one' : null;
  if (why !== null || !source.model.python) {
    throw refused(
      `${noColumns}${why === null ? '' : `, and ${why}`}`,
      'Pass signature=infer_signature(X, model.predict(X)) to log_model.',
    );
  }
  context.log(`${noColumns}: requests reach it as they come`);
  return requestPart(tools, source, context);
}

/** The folder that holds MLmodel. Throws `package_refused` when there is none. */
function modelRoot(files: PackageInputs['files']): string {
  const file = files.find((f) => f.path === 'MLmodel' || f.path.endsWith('/MLmodel'));
  if (!file) throw refused('it has no MLmodel file', 'Log it with mlflow.<flavor>.log_model.');
  return file.path.slice(0, -'MLmodel'.length);
}
