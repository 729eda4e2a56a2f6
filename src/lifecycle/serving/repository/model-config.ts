import { z } from 'zod';
import { firstIssue } from '../../../core/issue-text.ts';
import { nearestName } from '../../../core/nearest-name.ts';
import { type PbMessage, PbSyntaxError, type PbValue, readPbtxt } from './read-pbtxt.ts';

/** The longest that a row waits for company here, in microseconds; Triton knows no bound. */
export const mostDelayUs = 1_000_000;

/**
 * A model's configuration as Triton writes it (model_config.proto), as far as this server acts by it. Numbers may
 * come as texts, as protobuf's JSON form has them.
 */
const int = z.preprocess((v) => (typeof v === 'string' && /^-?\d+$/.test(v) ? Number(v) : v), z.int());
const text = z.string();
const dims = z.array(int);
const bool = z.preprocess((v) => (v === 1 ? true : v === 0 ? false : v), z.boolean());

/** A value of an enum, which may come as its number: both forms of protobuf take it. */
function enumOf(names: readonly string[]) {
  return z.preprocess((v) => (typeof v === 'number' ? (names[v] ?? v) : v), text);
}

const dataType = enumOf([
  'TYPE_INVALID',
  'TYPE_BOOL',
  'TYPE_UINT8',
  'TYPE_UINT16',
  'TYPE_UINT32',
  'TYPE_UINT64',
  'TYPE_INT8',
  'TYPE_INT16',
  'TYPE_INT32',
  'TYPE_INT64',
  'TYPE_FP16',
  'TYPE_FP32',
  'TYPE_FP64',
  'TYPE_STRING',
  'TYPE_BF16',
]);
const instanceGroup = z.looseObject({
  kind: enumOf(['KIND_AUTO', 'KIND_GPU', 'KIND_CPU', 'KIND_MODEL']).optional(),
});

const tensorSchema = z.object({
  name: text,
  data_type: dataType.default('TYPE_INVALID'),
  dims: dims.default([]),
  reshape: z.object({ shape: dims.default([]) }).optional(),
  optional: bool.optional(),
  format: enumOf(['FORMAT_NONE', 'FORMAT_NHWC', 'FORMAT_NCHW']).optional(),
  is_shape_tensor: bool.optional(),
  allow_ragged_batch: bool.optional(),
  label_filename: text.optional(),
});
export type ConfigTensor = z.output<typeof tensorSchema>;

const warmupInputSchema = z.object({
  data_type: dataType.default('TYPE_INVALID'),
  dims: dims.default([]),
  zero_data: bool.optional(),
  random_data: bool.optional(),
  input_data_file: text.optional(),
});

const queuePolicySchema = z.object({
  timeout_action: enumOf(['REJECT', 'DELAY']).default('REJECT'),
  default_timeout_microseconds: int.default(0),
  max_queue_size: int.default(0),
});

const ensembleStepSchema = z.object({
  model_name: text.default(''),
  model_version: int.default(-1),
  input_map: z.record(z.string(), text).default({}),
  output_map: z.record(z.string(), text).default({}),
});

const modelConfigSchema = z.object({
  name: text.optional(),
  platform: text.optional(),
  backend: text.optional(),
  runtime: text.optional(),
  version_policy: z
    .object({
      latest: z.object({ num_versions: int.default(1) }).optional(),
      all: z.object({}).optional(),
      specific: z.object({ versions: z.array(int).default([]) }).optional(),
    })
    .optional(),
  max_batch_size: int.optional(),
  input: z.array(tensorSchema).optional(),
  output: z.array(tensorSchema).optional(),
  instance_group: z.array(instanceGroup).optional(),
  default_model_filename: text.optional(),
  dynamic_batching: z
    .object({
      preferred_batch_size: dims.default([]),
      max_queue_delay_microseconds: int.default(0),
      default_queue_policy: queuePolicySchema.optional(),
    })
    .optional(),
  model_warmup: z
    .array(
      z.object({
        name: text.default('sample'),
        batch_size: int.default(1),
        count: int.default(1),
        inputs: z.record(z.string(), warmupInputSchema).default({}),
      }),
    )
    .optional(),
  parameters: z.record(z.string(), z.object({ string_value: text.default('') })).optional(),
  response_cache: z.object({ enable: bool.default(false) }).optional(),
  ensemble_scheduling: z.object({ step: z.array(ensembleStepSchema).default([]) }).optional(),
});
export type ModelConfig = z.output<typeof modelConfigSchema>;

interface ReadConfig {
  readonly config: ModelConfig;
  /** Fields that are there and change nothing here, by path. */
  readonly ignored: readonly string[];
}

/** Fields that hold several values; every other field of the text format has its last value. */
const repeated = new Set([
  'input',
  'output',
  'dims',
  'shape',
  'instance_group',
  'gpus',
  'versions',
  'preferred_batch_size',
  'model_warmup',
  'step',
]);
const maps = new Set(['parameters', 'inputs', 'input_map', 'output_map']);
/** Read by others or for information only: no word is lost about them. */
const informative = new Set(['kind', 'count']);

/** Reads `config.pbtxt`. Throws an error that says where and what is wrong. */
export function readConfigText(source: string): ReadConfig {
  return readConfigObject(plain(readPbtxt(source)));
}

/** Reads the JSON form, snake_case or camelCase. Throws an error that says what is wrong. */
export function readConfigJson(source: string): ReadConfig {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (cause) {
    throw new Error(`the configuration is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('the configuration must be a JSON object');
  return readConfigObject(snakeCased(value, false) as Record<string, unknown>);
}

/** Fields of Triton's ModelConfig that change nothing here; what is in neither list is a slip of the pen. */
const toleratedFields = [
  'batch_input',
  'batch_output',
  'optimization',
  'sequence_batching',
  'cc_model_filenames',
  'metric_tags',
  'model_operations',
  'model_transaction_policy',
  'model_repository_agents',
  'model_metrics',
] as const;

function refuseUnknownFields(object: Record<string, unknown>): void {
  const known = [...Object.keys(modelConfigSchema.shape), ...toleratedFields];
  const unknown = Object.keys(object).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const nearest = nearestName(unknown, known);
  throw new Error(
    `the configuration has no field "${unknown}"${nearest ? `; did you mean "${nearest}"?` : ''}`,
  );
}

/** What the schema knows and this server does otherwise, by path. */
function notDone({ instance_group, model_warmup, dynamic_batching }: ModelConfig): string[] {
  const onGpu = instance_group?.some(({ kind }) => kind === 'KIND_GPU' || kind === 'KIND_MODEL');
  const fromFiles = model_warmup?.some(({ inputs }) => Object.values(inputs).some((i) => i.input_data_file));
  const delays = dynamic_batching?.default_queue_policy?.timeout_action === 'DELAY';
  const waitsLong = (dynamic_batching?.max_queue_delay_microseconds ?? 0) > mostDelayUs;
  return [
    ...(onGpu ? ['instance_group.kind'] : []),
    ...(fromFiles ? ['model_warmup.inputs.input_data_file'] : []),
    ...(waitsLong ? [`dynamic_batching.max_queue_delay_microseconds above ${mostDelayUs}`] : []),
    ...(delays ? ['dynamic_batching.default_queue_policy.timeout_action'] : []),
  ];
}

function readConfigObject(object: Record<string, unknown>): ReadConfig {
  refuseUnknownFields(object);
  const parsed = modelConfigSchema.safeParse(object);
  if (!parsed.success) throw new Error(firstIssue(parsed.error, 'the configuration'));
  return { config: parsed.data, ignored: [...lost(object, parsed.data, ''), ...notDone(parsed.data)] };
}

/** Paths of what the schema left out. */
function lost(given: unknown, kept: unknown, path: string): string[] {
  if (typeof given !== 'object' || given === null || typeof kept !== 'object' || kept === null) return [];
  return Object.entries(given).flatMap(([name, value]) => {
    if (informative.has(name)) return [];
    const at = path === '' ? name : `${path}.${name}`;
    const other = (kept as Record<string, unknown>)[name];
    return other === undefined ? [at] : lost(value, other, at);
  });
}

function plain({ fields }: PbMessage): Record<string, unknown> {
  const value = (v: PbValue) => (typeof v === 'object' ? plain(v) : v);
  return Object.fromEntries(
    [...fields].map(([name, values]) => {
      if (maps.has(name)) return [name, Object.fromEntries(values.map((v) => entryOf(name, v)))];
      return [name, repeated.has(name) ? values.map(value) : value(values.at(-1) as PbValue)];
    }),
  );
}

/** An entry of a map field: `{ key: "…" value { … } }`. */
function entryOf(name: string, entry: PbValue): [string, unknown] {
  const fields = typeof entry === 'object' ? entry.fields : null;
  const [key, value] = [fields?.get('key')?.at(-1), fields?.get('value')?.at(-1)];
  if (typeof key !== 'string') throw new PbSyntaxError(1, `each of ${name} needs a key and a value`);
  return [key, typeof value === 'object' ? plain(value) : (value ?? {})];
}

/** Names of fields as in the proto file; names that the writer chose (in maps) stay as they are. */
function snakeCased(value: unknown, inMap: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => snakeCased(item, false));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      const snake = inMap ? name : name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`);
      return [snake, snakeCased(item, !inMap && maps.has(snake))];
    }),
  );
}
