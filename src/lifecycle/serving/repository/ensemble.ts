import { halfTypes } from '../../../core/half-floats.ts';
import { canonicalJson, type Digest } from '../../../core/json.ts';
import {
  columnTypes,
  type ElementType,
  type GraphOutput,
  type GraphTensor,
  type PackageManifest,
  packageManifestSchema,
} from '../../../core/model-package.ts';
import type { BlobStore } from '../../../platform/blobs/index.ts';
import type { BuiltVersion } from './build-version.ts';
import { configTypes } from './data-types.ts';
import { type DerivedPackage, refuseReshape } from './derive-package.ts';
import { labelled } from './labels.ts';
import type { ConfigTensor, ModelConfig } from './model-config.ts';
import type { ModelSource } from './model-source.ts';
import { warmUpRows } from './warm-up-rows.ts';

type Scheduling = NonNullable<ModelConfig['ensemble_scheduling']>;
type Step = Scheduling['step'][number];

/** A version that a step of an ensemble uses. */
export interface EnsemblePart {
  readonly digest: Digest;
  readonly manifest: PackageManifest;
}

interface Port {
  readonly type: ElementType;
  /** Without the dimension of rows; null: of a model that is served by columns. */
  readonly dims: readonly number[] | null;
  /** Whether there is a dimension of rows before them. */
  readonly batched: boolean;
}

/** Triton's `model_version` for the newest one. */
const newest = -1;

/**
 * The steps of an ensemble as its configuration has them, empty for every other model. Throws an Error in Triton's
 * words for a configuration that is no whole one.
 */
export function ensembleSteps(name: string, config: ModelConfig): readonly Step[] {
  const { ensemble_scheduling: scheduling, platform, backend } = config;
  if (!scheduling) {
    if (platform !== 'ensemble') return [];
    throw new Error(`ensemble scheduling must be set for ensemble ${name} whose platform is ensemble`);
  }
  if (backend || (platform && platform !== 'ensemble')) {
    throw new Error(`Ensemble model '${name}' must have platform type 'ensemble' and empty backend type`);
  }
  const { step: steps } = scheduling;
  if (steps.length === 0) throw new Error(`must specify 'step' for ensemble '${name}'`);
  steps.forEach((step, i) => {
    const needs = (field: string, empty: boolean) => {
      if (empty) throw new Error(`must specify '${field}' in step ${i} of ensemble '${name}'`);
    };
    needs('model_name', step.model_name === '');
    needs('input_map', Object.keys(step.input_map).length === 0);
    needs('output_map', Object.keys(step.output_map).length === 0);
  });
  return steps;
}

/** The version that a step asks for; null for the newest. */
export function versionOfStep({ model_version: version }: Step): string | null {
  return version === newest ? null : String(version);
}

/**
 * Makes a package of an ensemble out of the models that are in service. Throws an Error that names the tensor or the
 * model that does not fit.
 *
 * @param partOf the version in service that a step asks for; throws where there is none
 */
export async function buildEnsemble(
  name: string,
  version: string,
  config: ModelConfig,
  source: ModelSource,
  blobs: BlobStore,
  partOf: (step: Step) => Promise<EnsemblePart>,
): Promise<BuiltVersion> {
  const wanted = await Promise.all(
    ensembleSteps(name, config).map(async (step) => ({ step, part: await partOf(step) })),
  );
  const [inputs, outputs] = portsOf(config);
  const ordered = joined(name, wanted, inputs, outputs);
  const derived = derivedPackage(config, ordered, inputs, outputs);
  const isFixed = derived.signature.inputs.every(({ shape }) => shape.every((d) => d >= 0));
  const manifest: PackageManifest = packageManifestSchema.parse({
    ...derived,
    graph: { ...derived.graph, outputs: await labelled(derived.graph.outputs, version, source, config) },
    formatVersion: 1,
    model: name,
    runtime: {
      kind: 'graph',
      step: {
        kind: 'sequence',
        name: 'ensemble',
        steps: ordered.map(({ step, part }, i) => ({
          kind: 'model',
          name: `${i + 1}-${step.model_name}`.slice(0, 64),
          package: part.digest,
          inputs: step.input_map,
          outputs: step.output_map,
        })),
        outputs: derived.graph.outputs.map((tensor) => tensor.name),
      },
    },
    onnx: null,
    score: null,
    classes: classesOf(ordered, outputs),
    contract: null,
    sample: isFixed ? warmUpRows(derived, config) : [],
  });
  const { digest } = await blobs.put(canonicalJson(manifest));
  const told = {
    ...config,
    name,
    platform: 'ensemble',
    backend: '',
    max_batch_size: derived.maxBatchSize,
    version_policy: config.version_policy ?? { latest: { num_versions: 1 } },
  };
  return { digest, config: told };
}

/** The tensors that callers send and get, as the configuration has them. */
function portsOf({ input, output, max_batch_size = 0 }: ModelConfig): [GraphPort[], GraphPort[]] {
  const ports = (side: readonly ConfigTensor[] = []) =>
    side.map((tensor) => portOfConfig(tensor, max_batch_size > 0));
  return [ports(input), ports(output)];
}

/**
 * The steps so that each comes after those whose tensors it takes. Throws an Error where a tensor is not what the next
 * one takes, or an output of the ensemble is made by none.
 */
function joined(
  name: string,
  wanted: readonly Wanted[],
  inputs: readonly GraphPort[],
  outputs: readonly GraphPort[],
): readonly Wanted[] {
  const ports = new Map<string, Port>(inputs.map((tensor) => [tensor.name, tensor]));
  const ordered = inOrder(name, wanted, ports);
  for (const { step, part } of ordered) joinStep(name, step, part.manifest, ports);
  for (const tensor of outputs) {
    const made = ports.get(tensor.name);
    if (!made) throw new Error(`output '${tensor.name}' for ensemble '${name}' is not written`);
    requireSame(name, tensor.name, { ...tensor, from: name }, made, 'its steps');
  }
  return ordered;
}

/** What callers see of an ensemble. It takes rows where all of its models do, and tensors as they are otherwise. */
function derivedPackage(
  { max_batch_size: maxBatchSize = 0 }: ModelConfig,
  steps: readonly Wanted[],
  inputs: readonly GraphPort[],
  outputs: readonly GraphPort[],
): DerivedPackage {
  const rows = maxBatchSize > 0 && steps.every(({ part }) => part.manifest.tensors !== 'whole');
  const free = maxBatchSize > 0 ? [-1] : [];
  const tensorOf = ({ name, type, datatype, dims }: GraphPort): GraphTensor => ({
    name,
    type,
    shape: [...free, ...dims],
    ...(datatype ? { datatype } : {}),
  });
  const field = ({ name, type, told, optional }: GraphPort) => ({
    name,
    type: columnTypes[type],
    required: !optional,
    shape: [...(rows ? [] : free), ...told],
  });
  return {
    signature: { inputs: inputs.map(field), outputs: outputs.map(field) },
    graph: {
      inputs: inputs.map((tensor) => ({ ...tensorOf(tensor), columns: [tensor.name] })),
      outputs: outputs.map((port) => ({ ...tensorOf(port), ...labelsOf(steps, port.name) })),
    },
    tensors: rows ? 'rows' : 'whole',
    maxBatchSize,
  };
}

interface GraphPort extends Port {
  readonly name: string;
  readonly datatype: GraphTensor['datatype'];
  /** As its steps have them. */
  readonly dims: readonly number[];
  /** As callers have them; others where it is reshaped. */
  readonly told: readonly number[];
  readonly optional: boolean;
}

function portOfConfig(tensor: ConfigTensor, batched: boolean): GraphPort {
  const { name, data_type, dims: told, reshape, optional } = tensor;
  if (reshape) refuseReshape(`'${name}'`, tensor);
  const dims = reshape?.shape ?? told;
  const datatype = halfTypes.find((half) => data_type === `TYPE_${half}`);
  const found = Object.entries(configTypes).find(([, told]) => told === data_type)?.[0] as ElementType;
  const type = datatype ? 'float' : found;
  if (!type) throw new Error(`'${name}' has the type ${data_type}, which is not served here`);
  return { name, type, datatype, dims, told, batched, optional: optional === true };
}

interface Wanted {
  readonly step: Step;
  readonly part: EnsemblePart;
}

/** Steps so that each comes after those whose tensors it takes. */
function inOrder(
  name: string,
  steps: readonly Wanted[],
  given: ReadonlyMap<string, Port>,
): readonly Wanted[] {
  const ready = new Set(given.keys());
  const writers = new Set<string>();
  for (const { step } of steps) {
    for (const tensor of Object.values(step.output_map)) {
      if (writers.has(tensor) || given.has(tensor)) {
        throw new Error(
          `ensemble tensor '${tensor}' can appear in an output map only once for ensemble '${name}'`,
        );
      }
      writers.add(tensor);
    }
  }
  const waiting = [...steps];
  const ordered: Wanted[] = [];
  while (waiting.length > 0) {
    const next = waiting.findIndex(({ step }) => Object.values(step.input_map).every((t) => ready.has(t)));
    if (next < 0) {
      const tensor = waiting.flatMap(({ step }) => Object.values(step.input_map)).find((t) => !ready.has(t));
      throw new Error(`ensemble tensor '${tensor}' of ensemble '${name}' is not written by a step before`);
    }
    const [step] = waiting.splice(next, 1) as [Wanted];
    ordered.push(step);
    for (const tensor of Object.values(step.step.output_map)) ready.add(tensor);
  }
  return ordered;
}

/** Compares what a step takes with what was made, and notes what it gives. */
function joinStep(
  ensemble: string,
  { model_name: model, input_map, output_map }: Step,
  { signature, graph, tensors }: PackageManifest,
  ports: Map<string, Port>,
): void {
  const batched = tensors !== 'whole';
  const portOfField = (side: readonly GraphTensor[], field: { name: string; shape: readonly number[] }) => {
    const type = side.find((tensor) => tensor.name === field.name)?.type;
    return { from: model, type: type ?? 'string', dims: tensors ? field.shape : null, batched };
  };
  for (const [input, tensor] of Object.entries(input_map)) {
    const field = signature.inputs.find(({ name }) => name === input);
    if (!field) {
      throw new Error(
        `in ensemble ${ensemble}, ensemble tensor ${tensor} is mapping to non-existing input ${input} in model ${model}`,
      );
    }
    if (tensors) requireSame(ensemble, tensor, portOfField(graph.inputs, field), ports.get(tensor), ensemble);
  }
  const unmapped = signature.inputs.find(({ name, required }) => required && input_map[name] === undefined);
  if (unmapped) {
    throw new Error(
      `in ensemble ${ensemble}, input ${unmapped.name} in model ${model} is not mapped to any ensemble tensors`,
    );
  }
  for (const [output, tensor] of Object.entries(output_map)) {
    const field =
      signature.outputs.find(({ name }) => name === output) ??
      graph.outputs.find(({ name }) => name === output);
    if (!field) {
      throw new Error(
        `in ensemble ${ensemble}, ensemble tensor ${tensor} is mapped from non-existing output ${output} in model ${model}`,
      );
    }
    ports.set(tensor, portOfField(graph.outputs, field));
  }
}

function requireSame(
  ensemble: string,
  tensor: string,
  wanted: Port & { readonly from: string },
  made: Port | undefined,
  maker: string,
): void {
  if (!made) return;
  const told = (what: string, one: unknown, other: unknown) =>
    new Error(
      `in ensemble ${ensemble}, ensemble tensor ${tensor}: inconsistent ${what}: ${one} is inferred from model ${maker} while ${other} is inferred from model ${wanted.from}`,
    );
  if (made.type !== wanted.type) {
    throw told('data type', configTypes[made.type], configTypes[wanted.type]);
  }
  const [a, b] = [made, wanted].map(({ dims, batched }) => dims && [...(batched ? [-1] : []), ...dims]);
  if (!a || !b || sameDimensions(made.dims ?? [], wanted.dims ?? []) || sameDimensions(a, b)) return;
  throw told('shape', `[${a}]`, `[${b}]`);
}

/** Equal where neither is free. */
function sameDimensions(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i] || d < 0 || (b[i] ?? 0) < 0);
}

/** The labels that a tensor has in the model that gives it. */
function labelsOf(steps: readonly Wanted[], tensor: string): Pick<GraphOutput, 'labels'> {
  for (const { step, part } of steps) {
    const [own] = Object.entries(step.output_map).find(([, given]) => given === tensor) ?? [];
    const labels = part.manifest.graph.outputs.find(({ name }) => name === own)?.labels;
    if (labels) return { labels };
  }
  return {};
}

/** Names of the classes of the model that gives an output of the ensemble. */
function classesOf(steps: readonly Wanted[], outputs: readonly GraphPort[]): PackageManifest['classes'] {
  const names = new Set(outputs.map(({ name }) => name));
  const giver = steps.find(
    ({ step, part }) => part.manifest.classes && Object.values(step.output_map).some((t) => names.has(t)),
  );
  return giver?.part.manifest.classes ?? null;
}
