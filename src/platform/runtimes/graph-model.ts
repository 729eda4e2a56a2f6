import { type ErrorCode, fail, MillraceError } from '../../core/errors.ts';
import {
  type GraphStep,
  type PackageManifest,
  packageManifestSchema,
  type SignatureField,
} from '../../core/model-package.ts';
import { packagesOf } from '../../core/package-runtime.ts';
import { type OutputTensor, runtimeMessage } from '../onnx/index.ts';
import { averageOutputs, inType, mergeBranches, voteOutputs } from './combine-outputs.ts';
import { commonType } from './describe-graph.ts';
import type { LoadedModel, ModelCall, RuntimeContext } from './open-model.ts';
import { predictionOf } from './prediction.ts';
import { type GraphPart, predictTensors, tensorSteps } from './tensor-graph.ts';

/** Cells of a column by row. */
type Column = (row: number) => unknown;
type Columns = ReadonlyMap<string, Column>;

const deepestGraphs = 8;
const hashPrime = 16777619;

/**
 * Opens a graph of packages: each is loaded once, whatever number of steps use it. Errors are those of its packages;
 * while it predicts, every error names the step that it came from.
 */
export async function openGraph(
  manifest: PackageManifest,
  step: GraphStep,
  context: RuntimeContext,
  open: (manifest: PackageManifest, context: RuntimeContext) => Promise<LoadedModel>,
): Promise<LoadedModel> {
  const depth = (context.depth ?? 0) + 1;
  if (depth > deepestGraphs)
    throw fail('graph_invalid', { step: step.name, problem: `graphs in graphs, ${depth} deep` });
  if (manifest.tensors) tensorSteps(step);
  const parts = new Map<string, GraphPart>();
  const close = async () => {
    const ends = await Promise.allSettled([...parts.values()].map(({ model }) => model.close()));
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
  };
  try {
    for (const digest of packagesOf(step)) {
      const text = new TextDecoder().decode(await context.bytesOf(digest));
      const inner = packageManifestSchema.parse(JSON.parse(text));
      parts.set(digest, { manifest: inner, model: await open(inner, { ...context, depth }) });
    }
  } catch (error) {
    await close();
    throw error;
  }
  const { inputs } = manifest.signature;
  // Which branches rows take changes nothing about the types of an answer.
  const types = new Map(manifest.graph.outputs.map(({ name, type }) => [name, type]));
  const asDescribed = (output: OutputTensor) =>
    inType(output, commonType(output.type, types.get(output.name) ?? output.type));
  return {
    concurrency: Math.max(1, ...[...parts.values()].map(({ model }) => model.concurrency ?? 1)),
    problem: () => [...parts.values()].map(({ model }) => model.problem?.() ?? null).find((p) => p) ?? null,
    predictRows: async (rows, { params: _, ...call } = {}) => {
      if (manifest.tensors) return predictTensors(manifest, step, parts, rows, call, inStep);
      const columns = new Map(inputs.map(({ name }, i) => [name, (row: number) => rows[row]?.[i]]));
      const outputs = await new GraphRun(parts, call).step(step, columns, rows.length);
      return predictionOf(manifest, outputs.map(asDescribed), rows.length);
    },
    close,
  };
}

class GraphRun {
  readonly #parts: ReadonlyMap<string, GraphPart>;
  readonly #call: ModelCall;

  constructor(parts: ReadonlyMap<string, GraphPart>, call: ModelCall) {
    this.#parts = parts;
    this.#call = call;
  }

  async step(step: GraphStep, columns: Columns, rowCount: number): Promise<readonly OutputTensor[]> {
    switch (step.kind) {
      case 'model':
        return this.#model(step, columns, rowCount);
      case 'sequence': {
        const known = new Map(columns);
        const made = new Map<string, OutputTensor>();
        let last: readonly OutputTensor[] = [];
        for (const inner of step.steps) {
          last = await this.step(inner, known, rowCount);
          for (const output of last) {
            known.set(output.name, cellsOf(output));
            made.set(output.name, output);
          }
        }
        return step.outputs?.map((name) => made.get(name)).filter((o) => o !== undefined) ?? last;
      }
      case 'ensemble': {
        const members = await Promise.all(
          step.members.map((member) => this.step(member.step, columns, rowCount)),
        );
        const weights = step.members.map((m) => m.weight);
        return step.combine === 'vote'
          ? voteOutputs(members, weights, rowCount)
          : averageOutputs(members, weights, rowCount);
      }
      case 'splitter': {
        const choose = splitBy(step, columns);
        return this.#branches(
          step,
          step.branches.map((b) => b.step),
          columns,
          rowCount,
          choose,
        );
      }
      case 'switch': {
        const steps = step.otherwise
          ? [...step.cases.map((c) => c.step), step.otherwise]
          : step.cases.map((c) => c.step);
        return this.#branches(step, steps, columns, rowCount, switchOn(step, columns));
      }
    }
  }

  async #model(
    step: Extract<GraphStep, { kind: 'model' }>,
    columns: Columns,
    rowCount: number,
  ): Promise<readonly OutputTensor[]> {
    const part = this.#parts.get(step.package);
    if (!part) throw new Error(`package ${step.package} is not loaded`);
    const { inputs } = part.manifest.signature;
    const sources = inputs.map(({ name }) => columns.get(step.inputs?.[name] ?? name));
    const rows = Array.from({ length: rowCount }, (_, row) => sources.map((source) => source?.(row)));
    const lacking = fieldWithoutNumber(inputs, rows);
    if (lacking) {
      const problem = `its input "${lacking.name}" has no value in some row, and its model takes none that is missing`;
      throw fail('graph_step_refused', { step: step.name, problem });
    }
    try {
      const { outputs } = await part.model.predictRows(rows, this.#call);
      return outputs.map((output) => ({ ...output, name: step.outputs?.[output.name] ?? output.name }));
    } catch (error) {
      throw inStep(step, error);
    }
  }

  /** Gives each row to the step that `choose` names, and puts the outputs together in the order of the rows. */
  async #branches(
    step: GraphStep,
    steps: readonly GraphStep[],
    columns: Columns,
    rowCount: number,
    choose: (row: number) => number,
  ): Promise<readonly OutputTensor[]> {
    const rowsOf = steps.map((): number[] => []);
    for (let row = 0; row < rowCount; row++) rowsOf[choose(row)]?.push(row);
    const parts = await Promise.all(
      steps.map(async (inner, i) => {
        const rows = rowsOf[i] ?? [];
        if (rows.length === 0) return null;
        const some = new Map(
          [...columns].map(([name, cell]) => [name, (row: number) => cell(rows[row] as number)]),
        );
        return { rows, outputs: await this.step(inner, some, rows.length) };
      }),
    );
    const used = parts.filter((part) => part !== null);
    return mergeBranches(used, rowCount, (output) =>
      inStep(step, new Error(`a branch gave no output "${output}"`)),
    );
  }
}

/** A field that an earlier step gave no number for, of those that the model has to have one for. */
function fieldWithoutNumber(
  fields: readonly SignatureField[],
  rows: readonly (readonly unknown[])[],
): SignatureField | undefined {
  return fields.find(
    ({ type, required, nullable }, i) =>
      required &&
      !nullable &&
      (type === 'float' || type === 'double') &&
      rows.some((row) => lacksNumber(row[i])),
  );
}

function lacksNumber(cell: unknown): boolean {
  if (typeof cell === 'number') return Number.isNaN(cell);
  if (typeof cell !== 'object') return cell === undefined;
  return cell === null || Array.prototype.some.call(cell, lacksNumber);
}

function cellsOf({ width, data, shape }: OutputTensor): Column {
  if (width === 1 && shape.length <= 2) return (row) => data[row];
  return (row) => Array.prototype.slice.call(data, row * width, (row + 1) * width);
}

/** The branch of a row by the hash of a column, or of all of them: the same values go the same way. */
function splitBy(step: Extract<GraphStep, { kind: 'splitter' }>, columns: Columns): (row: number) => number {
  const sources = step.by === null ? [...columns.values()] : [columns.get(step.by)];
  const total = step.branches.reduce((sum, b) => sum + b.weight, 0);
  const bounds = step.branches.map(
    (_, i) => step.branches.slice(0, i + 1).reduce((sum, b) => sum + b.weight, 0) / total,
  );
  return (row) => {
    const key = `${step.name}\n${sources.map((source) => String(source?.(row))).join('\n')}`;
    const share = hash(key) / 2 ** 32;
    const found = bounds.findIndex((upper) => share < upper);
    return found < 0 ? bounds.length - 1 : found;
  };
}

function switchOn(step: Extract<GraphStep, { kind: 'switch' }>, columns: Columns): (row: number) => number {
  // A truth value of a column is true or false, that of an earlier step 1 or 0.
  const keyOf = (value: unknown) =>
    typeof value === 'bigint' || typeof value === 'boolean' ? Number(value) : value;
  const branchOf = new Map<unknown, number>();
  step.cases.forEach(({ equals }, i) => {
    for (const key of equals.map(keyOf)) if (!branchOf.has(key)) branchOf.set(key, i);
  });
  const source = columns.get(step.field);
  return (row) => {
    const cell = source?.(row);
    const found = branchOf.get(keyOf(cell));
    if (found !== undefined) return found;
    if (step.otherwise) return step.cases.length;
    throw fail('graph_row_refused', {
      step: step.name,
      value: JSON.stringify(String(cell)),
      field: step.field,
    });
  };
}

/** FNV-1a over UTF-16 code units, mixed at the end so that the high bits depend on all of them. */
function hash(text: string): number {
  let value = 2166136261;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), hashPrime);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/** Codes of a step's failure by the status of what its model threw; every other is `graph_step_failed`. */
const codesInStep: ReadonlyMap<number, ErrorCode> = new Map([
  [400, 'graph_step_refused'],
  [502, 'graph_step_remote_failed'],
  [503, 'graph_step_unavailable'],
  [504, 'graph_step_timeout'],
]);

function inStep(step: GraphStep, error: unknown): MillraceError {
  const status = error instanceof MillraceError ? error.status : 500;
  const code = codesInStep.get(status) ?? 'graph_step_failed';
  const { retryAfterSeconds } = error instanceof MillraceError ? error.params : {};
  return fail(code, { step: step.name, problem: runtimeMessage(error), retryAfterSeconds }, error);
}
