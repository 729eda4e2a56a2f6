import { fail } from '../../core/errors.ts';
import type { Digest } from '../../core/json.ts';
import {
  type ElementType,
  elementOfColumn,
  type GraphStep,
  type PackageManifest,
  packageManifestSchema,
  type SignatureField,
} from '../../core/model-package.ts';
import { chooseScore } from '../onnx/index.ts';

/** A named column between steps; `shape` is that of one row. */
interface Port {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
}

type Ports = ReadonlyMap<string, Port>;
type ManifestOf = (digest: Digest) => Promise<PackageManifest>;

const deepest = 16;
/** A number of the left kinds holds every number of the kinds before it. */
const widening: readonly SignatureField['type'][] = ['boolean', 'integer', 'long', 'float', 'double'];

/**
 * The manifest of a graph of packages: every name that a step takes comes from an earlier step or is an input of the
 * graph, and types and shapes fit. Packages are named by their digests, which hold the digests of what they are made
 * of, so that none can contain itself. Throws `graph_invalid`, naming the step.
 */
export async function describeGraph(
  model: string,
  step: GraphStep,
  manifestOf: ManifestOf,
): Promise<PackageManifest> {
  const walk = new Walk(manifestOf);
  const outputs = [...(await walk.step(step, new Map(), 1)).values()];
  const inputs = [...walk.inputs.values()];
  const graphOutputs = outputs.map(({ name, type, shape }) => ({ name, type, shape: [-1, ...shape] }));
  const widths = Object.fromEntries(outputs.map(({ name, shape }) => [name, sizeOf(shape)]));
  return packageManifestSchema.parse({
    formatVersion: 1,
    model,
    runtime: { kind: 'graph', step },
    onnx: null,
    signature: {
      inputs,
      outputs: outputs.map(({ name, type, shape }) => ({ name, type: columnOf(type), shape })),
    },
    graph: {
      inputs: inputs.map((field) => ({
        name: field.name,
        type: elementOfColumn[field.type],
        shape: [-1, ...field.shape],
        columns: [field.name],
      })),
      outputs: graphOutputs,
    },
    score: chooseScore(graphOutputs, widths),
    classes: await classesOf(step, manifestOf),
    contract: null,
    sample: walk.sample(),
  });
}

class Walk {
  readonly inputs = new Map<string, SignatureField>();
  readonly #manifestOf: ManifestOf;
  readonly #names = new Set<string>();
  readonly #samples: PackageManifest['sample'][] = [];

  constructor(manifestOf: ManifestOf) {
    this.#manifestOf = manifestOf;
  }

  /** What a step gives when these columns were made before it; its other columns become inputs of the graph. */
  async step(step: GraphStep, made: Ports, depth: number): Promise<Ports> {
    if (depth > deepest) throw invalid(step, `it is more than ${deepest} steps deep`);
    if (this.#names.has(step.name)) throw invalid(step, 'another step has the same name');
    this.#names.add(step.name);
    switch (step.kind) {
      case 'model':
        return this.#model(step, made);
      case 'sequence': {
        let own: Ports = new Map();
        let last: Ports = new Map();
        for (const inner of step.steps) {
          last = await this.step(inner, new Map([...made, ...own]), depth + 1);
          own = new Map([...own, ...last]);
        }
        if (!step.outputs) return last;
        const ports = step.outputs.map((name) => own.get(name));
        const missing = ports.indexOf(undefined);
        if (missing >= 0) throw invalid(step, `none of its steps gives "${step.outputs[missing]}"`);
        return new Map(ports.filter((port) => port !== undefined).map((port) => [port.name, port]));
      }
      case 'splitter': {
        const branches = step.branches.map((b) => b.step);
        const outputs = await this.#alternatives(step, branches, made, depth);
        const { by } = step;
        if (by !== null && !made.has(by) && !this.inputs.has(by)) this.#need(step, text(by));
        return outputs;
      }
      case 'switch': {
        const [first] = step.cases.flatMap((c) => c.equals);
        const type = typeof first === 'string' ? 'string' : typeof first === 'boolean' ? 'boolean' : 'double';
        const port = made.get(step.field);
        if (!port) this.#need(step, { ...text(step.field), type });
        else if ((port.type === 'string') !== (type === 'string'))
          throw invalid(step, `its cases are of type ${type}, but "${port.name}" is ${port.type}`);
        const steps = [...step.cases.map((c) => c.step), ...(step.otherwise ? [step.otherwise] : [])];
        return this.#alternatives(step, steps, made, depth);
      }
      case 'ensemble':
        return this.#ensemble(step, made, depth);
    }
  }

  /** Rows that the first step with samples was packaged with, where they fill all inputs. */
  sample(): PackageManifest['sample'] {
    const [rows = []] = this.#samples;
    return rows.every((row) => [...this.inputs.keys()].every((name) => row[name] !== undefined)) ? rows : [];
  }

  async #model(step: Extract<GraphStep, { kind: 'model' }>, made: Ports): Promise<Ports> {
    const manifest = await this.#manifestOf(step.package).catch((cause: unknown) => {
      throw invalid(step, `its package cannot be read: ${(cause as Error).message}`, cause);
    });
    if (manifest.tensors) throw invalid(step, 'its model is served by tensors, and has no columns to fit');
    const { inputs, outputs } = manifest.signature;
    for (const name of Object.keys(step.inputs ?? {}))
      if (!inputs.some((f) => f.name === name)) throw invalid(step, `its model has no input "${name}"`);
    for (const field of inputs) {
      const source = step.inputs?.[field.name] ?? field.name;
      const port = made.get(source);
      if (port) requireFit(step, port, field);
      else this.#need(step, { ...field, name: source });
    }
    this.#samples.push(made.size === 0 && !step.inputs ? manifest.sample : []);
    for (const name of Object.keys(step.outputs ?? {}))
      if (!outputs.some((f) => f.name === name)) throw invalid(step, `its model has no output "${name}"`);
    return new Map(
      outputs.map((field) => {
        const name = step.outputs?.[field.name] ?? field.name;
        const type =
          manifest.graph.outputs.find((o) => o.name === field.name)?.type ?? elementOfColumn[field.type];
        return [name, { name, type, shape: field.shape }];
      }),
    );
  }

  async #alternatives(
    step: GraphStep,
    steps: readonly GraphStep[],
    made: Ports,
    depth: number,
  ): Promise<Ports> {
    let merged: Ports | null = null;
    for (const inner of steps) {
      const ports = await this.step(inner, made, depth + 1);
      const wider = new Map<string, Port>();
      for (const port of (merged ?? ports).values()) {
        const other = ports.get(port.name);
        if (!other) throw invalid(step, `its step "${inner.name}" has no output "${port.name}"`);
        const same = (other.type === 'string') === (port.type === 'string');
        if (!same || sizeOf(other.shape) !== sizeOf(port.shape)) {
          throw invalid(
            step,
            `output "${port.name}" of its step "${inner.name}" is of another type or shape`,
          );
        }
        wider.set(port.name, { ...port, type: commonType(port.type, other.type) });
      }
      merged = wider;
    }
    if ([...(merged?.values() ?? [])].some(isReal))
      await this.#requireSameClasses(step, steps, 'answer with their labels alone (outputs of a sequence)');
    return merged ?? new Map();
  }

  async #ensemble(
    step: Extract<GraphStep, { kind: 'ensemble' }>,
    made: Ports,
    depth: number,
  ): Promise<Ports> {
    const members: Ports[] = [];
    for (const { step: inner } of step.members) members.push(await this.step(inner, made, depth + 1));
    if (step.combine === 'vote') {
      const labels = members.map(labelOf);
      const [label] = labels;
      if (!label || labels.some((l) => l === null || sizeOf(l.shape) !== 1)) {
        throw invalid(step, 'a member gives no single label to vote with');
      }
      const type = labels.every((l) => l?.type === label.type) ? label.type : 'string';
      return new Map([
        ['label', { name: 'label', type, shape: [] }],
        ['share', { name: 'share', type: 'double', shape: [] }],
      ]);
    }
    const shared = averaged(members);
    if (shared.length === 0) throw invalid(step, 'its members have no output of numbers in common');
    const inner = step.members.map((member) => member.step);
    await this.#requireSameClasses(step, inner, 'combine them by vote');
    return new Map(shared.map(({ name, shape }) => [name, { name, type: 'double', shape }]));
  }

  /** Probabilities of several classes have no mean, and row by row they say nothing when each row's are of others. */
  async #requireSameClasses(step: GraphStep, inner: readonly GraphStep[], instead: string): Promise<void> {
    const all = await Promise.all(inner.map((each) => classesOf(each, this.#manifestOf)));
    const known = [...new Set(all.filter((classes) => classes !== null).map((c) => JSON.stringify(c)))];
    if (known.length > 1)
      throw invalid(step, `the classes of its models differ: ${known.join(' and ')}; ${instead}`);
  }

  #need(step: GraphStep, field: SignatureField): void {
    const known = this.inputs.get(field.name);
    if (!known) {
      this.inputs.set(field.name, field);
      return;
    }
    const [a, b] = [widening.indexOf(known.type), widening.indexOf(field.type)];
    const fits = known.type === field.type || (a >= 0 && b >= 0);
    if (!fits || sizeOf(known.shape) !== sizeOf(field.shape)) {
      throw invalid(step, `it takes "${field.name}" as ${field.type}, another step as ${known.type}`);
    }
    const required = known.required || field.required;
    const nullable = known.nullable === true && field.nullable === true;
    this.inputs.set(field.name, { ...(a <= b ? known : field), required, nullable });
  }
}

/** Outputs of numbers with fractions that all members have, of one size. */
export function averaged<P extends Port>(members: readonly ReadonlyMap<string, P>[]): readonly P[] {
  const [first = new Map<string, P>()] = members;
  return [...first.values()].filter((port) =>
    members.every((member) => {
      const other = member.get(port.name);
      return other && isReal(other) && sizeOf(other.shape) === sizeOf(port.shape);
    }),
  );
}

function isReal({ type }: Port): boolean {
  return type === 'float' || type === 'double';
}

/** The type of an output that different rows get from different branches: one that holds the numbers of both. */
export function commonType(a: ElementType, b: ElementType): ElementType {
  if (a === b) return a;
  const isReals = [a, b].some((type) => type === 'float' || type === 'double' || type === 'uint64');
  return isReals ? 'double' : 'int64';
}

/** What a member votes with: its output `label`, else its first that is no number with a fraction, else its first. */
export function labelOf<P extends Port>(ports: ReadonlyMap<string, P>): P | null {
  const all = [...ports.values()];
  const whole = all.find((port) => !isReal(port));
  return ports.get('label') ?? whole ?? all[0] ?? null;
}

function text(name: string): SignatureField {
  return { name, type: 'string', required: true, shape: [] };
}

function requireFit(step: GraphStep, port: Port, field: SignatureField): void {
  const isText = elementOfColumn[field.type] === 'string';
  if (isText !== (port.type === 'string')) {
    throw invalid(step, `its input "${field.name}" is ${field.type}, but "${port.name}" is ${port.type}`);
  }
  if (sizeOf(port.shape) !== sizeOf(field.shape)) {
    const [wants, has] = [sizeOf(field.shape), sizeOf(port.shape)];
    throw invalid(step, `its input "${field.name}" has ${wants} values a row, "${port.name}" has ${has}`);
  }
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, d) => product * Math.max(1, d), 1);
}

function columnOf(type: ElementType): SignatureField['type'] {
  if (type === 'float' || type === 'double' || type === 'string') return type;
  if (type === 'bool') return 'boolean';
  return type === 'int64' || type === 'uint64' || type === 'uint32' ? 'long' : 'integer';
}

/** Classes of the score, where all that may give it have the same. */
async function classesOf(step: GraphStep, manifestOf: ManifestOf): Promise<PackageManifest['classes']> {
  if (step.kind === 'model') return (await manifestOf(step.package)).classes;
  if (step.kind === 'sequence') {
    const last = step.steps.at(-1);
    return last ? classesOf(last, manifestOf) : null;
  }
  if (step.kind === 'ensemble' && step.combine === 'vote') return null;
  const inner =
    step.kind === 'switch'
      ? [...step.cases.map((c) => c.step), ...(step.otherwise ? [step.otherwise] : [])]
      : (step.kind === 'splitter' ? step.branches : step.members).map((b) => b.step);
  const all = await Promise.all(inner.map((s) => classesOf(s, manifestOf)));
  const [first = null] = all;
  return all.every((classes) => JSON.stringify(classes) === JSON.stringify(first)) ? first : null;
}

function invalid(step: GraphStep, problem: string, cause?: unknown) {
  return fail('graph_invalid', { step: step.name, problem }, cause);
}
