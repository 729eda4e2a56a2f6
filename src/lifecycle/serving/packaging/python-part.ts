import { MillraceError } from '../../../core/errors.ts';
import {
  elementOfColumn,
  type PythonRuntime,
  requestField,
  type SignatureField,
} from '../../../core/model-package.ts';
import { chooseScore, type OutputTensor } from '../../../platform/onnx/index.ts';
import type { PythonModel } from '../../../platform/python-runtime/index.ts';
import type { StepContext } from '../../../platform/registries/index.ts';
import { signatureOf } from './bind-graph.ts';
import type { LoggedSource, PackagePart, PackageTools } from './build-package.ts';
import type { NotConverted } from './convert-model.ts';
import { differenceBound } from './onnx-part.ts';
import { refused } from './read-mlmodel.ts';
import { requirementsOf } from './requirements.ts';
import { cellsOf, readSample } from './sample.ts';

/** What `python/worker.py` raises for an answer that has not as many rows as the model was given. */
const otherRows = 'OtherRows';

/**
 * A model that is run as Python: all its files, and what it asks of its environment. It is loaded once, in that
 * environment, to learn what it gives. One that does not answer row by row gets requests as they come, and so does one
 * that has no example and fails on a made-up row. Throws `package_refused` when it fails on its own input example,
 * `python_missing`, `python_environment_failed`, `python_start_failed`.
 *
 * @param failure why it has no ONNX form; null where none was tried
 */
export async function pythonPart(
  tools: PackageTools,
  source: LoggedSource,
  fields: readonly SignatureField[],
  failure: NotConverted | null,
  context: StepContext,
): Promise<PackagePart> {
  const { model } = source;
  const { runtime, opened } = await openedOnce(tools, source, fields, context);
  const rows = cellsOf(readSample(source.example, fields), fields);
  try {
    const trial = await tried(opened, rows, source.example !== null);
    if (typeof trial === 'string') {
      context.log(`${trial}: requests reach it as they come`);
      return requestShape(runtime);
    }
    const outputs = trial.map((o) => ({ name: o.name, type: o.type, shape: [-1, ...o.shape.slice(1)] }));
    const widths = Object.fromEntries(trial.map((o) => [o.name, o.width]));
    return {
      runtime,
      onnx: null,
      // As MLflow gives them to it; the model itself refuses what it cannot do without.
      fields: fields.map(nullable).map(omittable),
      outputs: signatureOf(outputs),
      graph: {
        inputs: fields.map((f) => ({
          name: f.name,
          type: elementOfColumn[f.type],
          shape: [-1, ...f.shape],
          columns: [f.name],
        })),
        outputs,
      },
      score: chooseScore(outputs, widths),
      primary: opened.primary,
      classes: opened.classes ? [...opened.classes] : null,
      conversion: failure && {
        flavor: model.flavor,
        rows: rows.length,
        maxAbsDifference: failure.difference,
        bound: differenceBound,
        used: false,
        problem: failure.message,
        holdout: null,
      },
    };
  } finally {
    await opened.close();
  }
}

/** Types whose values pandas and numpy can tell to be missing: in columns, and those of tensors. */
const missingInColumns: ReadonlySet<string> = new Set(['double', 'float', 'string', 'datetime']);
const missingInTensors: ReadonlySet<string> = new Set(['double', 'float']);

function nullable(field: SignatureField): SignatureField {
  const types = field.shape.length === 0 ? missingInColumns : missingInTensors;
  return types.has(field.type) ? { ...field, nullable: true } : field;
}

function omittable(field: SignatureField): SignatureField {
  return field.required ? field : { ...field, omittable: true };
}

/**
 * What the model gives for its example; else why nobody can tell: that, or the answer to one row twice, has not a row for
 * each, or it has no example and fails on a row of zeros and empty texts. Throws `package_refused` when it fails on its
 * example.
 */
async function tried(
  model: PythonModel,
  rows: readonly (readonly unknown[])[],
  areExample: boolean,
): Promise<readonly OutputTensor[] | string> {
  const notByRow = 'its answers do not have a row for each row';
  const isOther = (error: unknown) => (error as Error).name === otherRows;
  const [first] = rows;
  try {
    const outputs = await model.predict(rows);
    if (rows.length > 1 || !first || model.streams) return outputs;
    const both = await model.predict([first, first]).catch((error) => (isOther(error) ? null : outputs));
    return both ? outputs : notByRow;
  } catch (error) {
    if (isOther(error)) return notByRow;
    if (error instanceof MillraceError && error.code !== 'input_refused') throw error;
    const problem = (error as Error).message;
    if (!areExample) return `it has no input example and fails on zeros and empty texts (${problem})`;
    throw refused(
      `it fails on its input example: ${problem}`,
      'Log the model with an input example that it can predict on.',
    );
  }
}

/**
 * A model without a signature, run as Python on requests as they come. It is loaded once, and asked nothing. Throws
 * `python_missing`, `python_environment_failed`, `python_start_failed`.
 */
export async function requestPart(
  tools: PackageTools,
  source: LoggedSource,
  context: StepContext,
): Promise<PackagePart> {
  const { runtime, opened } = await openedOnce(tools, source, [requestField], context);
  await opened.close();
  return requestShape(runtime);
}

/** A model that takes requests as they come, and gives what it gives. */
function requestShape(runtime: PythonRuntime): PackagePart {
  const outputs = [{ name: 'output', type: 'string' as const, shape: [-1] }];
  const { name } = requestField;
  return {
    runtime,
    onnx: null,
    fields: [requestField],
    outputs: signatureOf(outputs),
    graph: { inputs: [{ name, type: 'string', shape: [1], columns: [name] }], outputs },
    score: null,
    primary: 'output',
    classes: null,
    conversion: null,
  };
}

async function openedOnce(
  { host }: PackageTools,
  source: LoggedSource,
  inputs: readonly SignatureField[],
  context: StepContext,
) {
  const { model, files, name } = source;
  const runtime: PythonRuntime = {
    kind: 'python',
    flavor: model.flavor,
    files: [...files].map(([path, digest]) => ({ path, digest })),
    requirements: await requirementsOf(source, context),
    pythonVersion: model.pythonVersion,
  };
  const opened = await (await host()).open({
    model: name,
    version: 'new',
    runtime,
    inputs,
    sample: [],
    bytesOf: (digest) => context.blobs.bytes(digest),
    workers: 1,
    onLine: (line) => context.log(line, 'stderr'),
  });
  return { runtime, opened };
}
