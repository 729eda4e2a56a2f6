import { z } from 'zod';
import type { Digest } from './json.ts';
import { digestSchema } from './model-types.ts';

/** What computes a model package. Browser-safe. */

/** A file of a logged model, by its path below the folder of MLmodel. */
const packageFileSchema = z.object({
  path: z.string().regex(/^(?!\/)(?!.*(^|\/)\.\.(\/|$)).+$/, 'expected a relative path without ..'),
  digest: digestSchema,
});
export type PackageFile = z.infer<typeof packageFileSchema>;

/** The logged MLflow model itself, run by worker processes of Python in an environment that meets `requirements`. */
const pythonRuntimeSchema = z.object({
  kind: z.literal('python'),
  /** MLflow flavor that loads it, as `sklearn` or `python_function`. */
  flavor: z.string(),
  files: z.array(packageFileSchema).min(1),
  /** Lines of requirements.txt. */
  requirements: z.array(z.string()),
  /** Version of Python that it was logged with, as `3.11.4`; null when MLmodel does not say. */
  pythonVersion: z.string().nullable(),
});
export type PythonRuntime = z.infer<typeof pythonRuntimeSchema>;

/** A model on another server that speaks the Open Inference Protocol v2 over HTTP. */
export const remoteRuntimeSchema = z.object({
  kind: z.literal('remote'),
  /** Base of the server, in front of `/v2`; with *** for a password, which `secret` has. */
  url: z.url({ protocol: /^https?$/, error: 'must be an http:// URL' }),
  model: z.string().min(1),
  /** Null: the version that the server chooses. */
  version: z.string().min(1).nullable().default(null),
  /** Send and ask for binary tensors; for servers that list the extension `binary_tensor_data`. */
  binary: z.boolean().default(false),
  /** The longest wait for an answer, and between two pieces of one. */
  timeoutMs: z.int().min(1).max(600_000).default(10_000),
  /** Answers in pieces; left out: where the server's configuration of the model says that it is decoupled. */
  stream: z.boolean().optional(),
  /** Digest of the part of the package that has the whole address; left out where that has no password. */
  secret: digestSchema.optional(),
});
/** That part, as JSON; control keeps it sealed, apart from its blobs. */
export const remoteSecretSchema = z.object({ url: z.string() });
export type RemoteRuntime = z.infer<typeof remoteRuntimeSchema>;

const stepName = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,63}$/, 'expected letters, digits, _ . - (at most 64)');

/** One step of a graph of packages; it takes named columns and gives named outputs. */
export type GraphStep =
  | {
      readonly kind: 'model';
      readonly name: string;
      readonly package: Digest;
      /** Column that fills an input, where it is not the column of that name. */
      readonly inputs?: Readonly<Record<string, string>> | undefined;
      /** What an output is called from here on; outputs that are not named keep their names. */
      readonly outputs?: Readonly<Record<string, string>> | undefined;
    }
  | {
      readonly kind: 'sequence';
      readonly name: string;
      readonly steps: readonly GraphStep[];
      /** What its steps made that is the answer; left out: what the last one gives. */
      readonly outputs?: readonly string[] | undefined;
    }
  | {
      readonly kind: 'splitter';
      readonly name: string;
      /** Column whose value decides; null: all values of the row together. */
      readonly by: string | null;
      readonly branches: readonly { readonly weight: number; readonly step: GraphStep }[];
    }
  | {
      readonly kind: 'ensemble';
      readonly name: string;
      readonly combine: 'average' | 'vote';
      readonly members: readonly { readonly weight: number; readonly step: GraphStep }[];
    }
  | {
      readonly kind: 'switch';
      readonly name: string;
      readonly field: string;
      readonly cases: readonly {
        readonly equals: readonly (string | number | boolean)[];
        readonly step: GraphStep;
      }[];
      /** Null: a row that fits no case is refused. */
      readonly otherwise: GraphStep | null;
    };

const weighted = z.object({
  weight: z.number().positive().default(1),
  get step() {
    return graphStepSchema;
  },
});

const graphStepSchema: z.ZodType<GraphStep> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('model'),
      name: stepName,
      package: digestSchema,
      inputs: z.record(z.string(), z.string()).optional(),
      outputs: z.record(z.string(), z.string()).optional(),
    }),
    z.strictObject({
      kind: z.literal('sequence'),
      name: stepName,
      steps: z.array(graphStepSchema).min(1).max(32),
      outputs: z.array(z.string()).min(1).optional(),
    }),
    z.strictObject({
      kind: z.literal('splitter'),
      name: stepName,
      by: z.string().nullable().default(null),
      branches: z.array(weighted).min(2).max(32),
    }),
    z.strictObject({
      kind: z.literal('ensemble'),
      name: stepName,
      combine: z.enum(['average', 'vote']),
      members: z.array(weighted).min(2).max(32),
    }),
    z.strictObject({
      kind: z.literal('switch'),
      name: stepName,
      field: z.string().min(1),
      cases: z
        .array(
          z.strictObject({
            equals: z.array(z.union([z.string(), z.number(), z.boolean()])).min(1),
            step: graphStepSchema,
          }),
        )
        .min(1)
        .max(64),
      otherwise: graphStepSchema.nullable().default(null),
    }),
  ]),
);

/** Other packages put together. */
export const graphRuntimeSchema = z.object({ kind: z.literal('graph'), step: graphStepSchema });

/** Digests of the packages that a step is made of, each once, in the order of the steps. */
export function packagesOf(step: GraphStep): ReadonlySet<Digest> {
  if (step.kind === 'model') return new Set([step.package]);
  return new Set(innerSteps(step).flatMap((inner) => [...packagesOf(inner)]));
}

function innerSteps(step: Exclude<GraphStep, { readonly kind: 'model' }>): readonly GraphStep[] {
  switch (step.kind) {
    case 'sequence':
      return step.steps;
    case 'splitter':
      return step.branches.map((b) => b.step);
    case 'ensemble':
      return step.members.map((m) => m.step);
    case 'switch':
      return [...step.cases.map((c) => c.step), ...(step.otherwise ? [step.otherwise] : [])];
  }
}

/** What runs a packaged model. */
export const packageRuntimeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('onnx') }),
  pythonRuntimeSchema,
  remoteRuntimeSchema,
  graphRuntimeSchema,
]);
