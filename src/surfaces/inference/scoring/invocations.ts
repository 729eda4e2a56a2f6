import { jsonOfBigInts } from '../../../core/exact-json.ts';
import { uuidv7 } from '../../../core/ids.ts';
import {
  type ModelSignature,
  type PackageManifest,
  requestField,
  type SignatureField,
  takesRequests,
} from '../../../core/model-package.ts';
import type { PredictRequest } from '../../../lifecycle/serving/index.ts';
import {
  isInexact,
  type JsonWords,
  mayBeInexact,
  parseExactJson,
  parseJson,
  textOfJson,
} from '../http/json-body.ts';
import { checkParamNesting } from '../http/request-size.ts';
import {
  eventTimeMs,
  givenText,
  headerArm,
  headerEntity,
  headerEventTimeMs,
  headerTrace,
  malformed,
  type RequestContext,
  rowIds,
} from '../request-context.ts';
import { typedBinaryValues, withBinaryValues } from './binary-values.ts';
import { castColumns } from './casts.ts';
import { type ScoringContent, unsupported } from './content.ts';
import { csvText, readCsvTable } from './csv.ts';
import { inputsByPlace } from './inputs-by-place.ts';
import { checkParams, checkWholeParams, exactParams } from './params.ts';
import { readStacked } from './stacked-tensors.ts';
import {
  checkForm,
  isObject,
  readTable,
  type ScoringForm,
  type ScoringTable,
  scoringForms,
  table,
} from './table.ts';

type Json = Readonly<Record<string, unknown>>;

/** A request of MLflow's scoring protocol, read. */
interface Invocation {
  readonly request: PredictRequest;
  /** Is the answer wanted in pieces? */
  readonly streamed: boolean;
  /** The row came as it is, and so goes its answer. */
  readonly unwrapped: boolean;
  /** The only row came as the tensors themselves, see readStacked. */
  readonly stacked: boolean;
}

/** What is asked of a model's manifest to read a request of it. */
type Reads = Pick<PackageManifest, 'signature' | 'tensors'> & Partial<Pick<PackageManifest, 'graph'>>;

/** Members of which one is there where the body is the row itself: chats, completions, embeddings. */
const unwrappedMembers = ['messages', 'prompt', 'input'] as const;

const oneForm = 'The input must be a JSON dictionary with exactly one of the input fields';
const mlflowWords: JsonWords = {
  notJson: 'Invalid input. Ensure that input is a valid JSON formatted string',
  notObject: `${oneForm} ${scoringForms.join(', ')}`,
};

/**
 * Reads a request of MLflow's scoring protocol: CSV, or JSON with exactly one of `dataframe_split`,
 * `dataframe_records`, `instances`, `inputs`, and `params`; other members are let be, as MLflow does. Columns are cast
 * to the signature where that loses nothing; those that the model does not know are dropped. A body with one of
 * `messages`, `prompt`, `input` is the only row itself; what of it is no input is params. `"stream": true` wants the
 * answer in pieces.
 * `params` may hold `prediction_ids`, `entities` and `event_times`, one per row, or `entity` and `event_time`; columns
 * `prediction_id`, `entity` and `event_time` that are no inputs of the model say the same.
 * Throws `request_malformed`, `invalid_time`, and `param_invalid` for params that are not as the signature says.
 */
export async function readInvocation(
  body: Buffer,
  content: ScoringContent,
  context: RequestContext,
  manifest: Reads,
): Promise<Invocation> {
  const { signature } = manifest;
  if (content !== 'json') {
    const request = await readTabular(body, content, context, signature);
    return { request, streamed: false, unwrapped: false, stacked: false };
  }
  const json = parseJson(body, mlflowWords);
  const unwrapped = unwrappedMembers.some((name) => json[name] !== undefined);
  const paramsOf = (whole: Json) => (unwrapped ? whole : whole.params);
  checkWholeParams(body, paramsOf(json), signature.params, paramsOf);
  const read = unwrapped
    ? { request: readUnwrapped(json, body, context, signature), stacked: false }
    : requestOf(json, body, context, manifest, scoringForms);
  return { ...read, streamed: json.stream === true, unwrapped };
}

async function readTabular(
  body: Buffer,
  content: Exclude<ScoringContent, 'json'>,
  context: RequestContext,
  signature: ModelSignature,
): Promise<PredictRequest> {
  if (takesRequests(signature)) {
    const given = content === 'csv' ? { csv: csvText(body) } : { parquet: body.toString('base64') };
    return toRequest(asGiven(JSON.stringify(given)), {}, context, signature, 'the body');
  }
  if (content === 'csv') return toRequest(await readCsvTable(body), {}, context, signature, 'the CSV');
  throw unsupported('Parquet is read only for models that take requests as they come', 'Send JSON or CSV.');
}

/** The only row of a model that takes requests as they come. */
function asGiven(text: string): ScoringTable {
  const data = [text.startsWith('\uFEFF') ? text.slice(1) : text];
  return { tensors: [{ name: requestField.name, width: 1, data }], rowCount: 1 };
}

function readUnwrapped(
  json: Json,
  body: Buffer,
  context: RequestContext,
  signature: ModelSignature,
): PredictRequest {
  const known = new Set(signature.params?.map(({ name }) => name));
  const isInput = takesRequests(signature)
    ? (name: string) => !known.has(name)
    : signature.inputs.every((field) => field.unnamed)
      ? // Columns by their places: all that is no param.
        (name: string) => !known.has(name) && !ownParams.has(name)
      : (name: string) => signature.inputs.some((field) => field.name === name);
  const members = Object.entries(json).filter(
    ([name]) => name !== 'stream' || signature.inputs.some((field) => field.name === name),
  );
  const exact = mayBeInexact(body) ? parseExactJson(body) : json;
  const exactly = (those: (name: string) => boolean) =>
    Object.fromEntries(members.filter(([name]) => those(name)).map(([name]) => [name, exact[name]]));
  const row = exactly(isInput);
  const params = exactly((name) => !isInput(name));
  const table = takesRequests(signature)
    ? asGiven(jsonOfBigInts(row))
    : readTable('dataframe_records', rowsOf(row, signature), []);
  const request = toRequest(table, params, context, signature, 'the body');
  // Params that are none at all, and not left out: MLflow makes that difference.
  return { ...request, params: request.params ?? {} };
}

/** `{"input": […]}` of a model whose only input has no name, one of embeddings say, holds a row in each value. */
function rowsOf(row: Json, { inputs }: ModelSignature): readonly Json[] {
  const [only, ...others] = inputs;
  const values = only?.unnamed && others.length === 0 ? row[only.name] : null;
  if (!only || only.shape.length > 0 || !Array.isArray(values)) return [row];
  return values.map((value) => ({ [only.name]: value }));
}

/**
 * The same for `:predict` of KServe v1 and TensorFlow Serving: JSON with `instances` or `inputs`, where `{"b64": "…"}`
 * is a value of bytes, unless the model has nested inputs or one of that name.
 */
export function readV1Predict(
  body: Buffer,
  context: RequestContext,
  manifest: Reads,
): Pick<Invocation, 'request' | 'stacked'> {
  const { inputs } = manifest.signature;
  const mayBeBinary = body.includes('"b64"') && !inputs.some(({ name, json }) => json || name === 'b64');
  return requestOf(parseJson(body), body, context, manifest, ['instances', 'inputs'], mayBeBinary);
}

function requestOf(
  json: Json,
  body: Buffer,
  context: RequestContext,
  { signature, tensors, graph }: Reads,
  forms: readonly ScoringForm[],
  mayBeBinary = false,
): Pick<Invocation, 'request' | 'stacked'> {
  const present = forms.filter((form) => json[form] !== undefined);
  const [form] = present;
  if (present.length !== 1 || !form) {
    throw malformed(`${oneForm} ${forms.join(', ')}; it holds ${present.join(', ') || 'none'}`);
  }
  const params = exactParams(body, json, (whole) => whole.params);
  if (takesRequests(signature)) {
    checkForm(form, json[form]);
    const row = asGiven(textOfJson(body));
    return { request: toRequest(row, params, context, signature, `"${form}"`), stacked: false };
  }
  const names = signature.inputs.map((field) => field.name);
  const stacked = (value: unknown) => (tensors === 'whole' ? readStacked(form, value, signature) : null);
  const given = (of: Json) => (mayBeBinary ? withBinaryValues(of[form]) : of[form]);
  const tableOf = (value: unknown) => {
    const whole = stacked(value);
    if (whole) return whole;
    const values = form === 'inputs' || form === 'instances' ? valuesOfOnly(value, signature) : null;
    if (values) return table(names, values.length, (row) => values[row]);
    const isRow = form === 'inputs' && isObject(value) && isNestedRow(value, signature);
    return isRow ? readTable('dataframe_records', [value], names) : readTable(form, value, names);
  };
  const value = given(json);
  let read = tableOf(value);
  const holdsNested = signature.inputs.some((field) => field.json);
  if (someInexact(read, signature) || (holdsNested && mayBeInexact(body)))
    read = tableOf(given(parseExactJson(body)));
  const request = toRequest(read, params, context, signature, `"${form}"`);
  const typed = mayBeBinary
    ? { ...request, tensors: typedBinaryValues(request.tensors, signature, Boolean(tensors && graph)) }
    : request;
  return { request: typed, stacked: stacked(value) !== null };
}

/**
 * The list of values of a model whose only input is nested and has no name (that of type hints): one is a row itself, not
 * a row of columns. Null for everything else.
 */
function valuesOfOnly(value: unknown, { inputs }: ModelSignature): readonly unknown[] | null {
  const [only] = inputs;
  if (!only?.json || inputs.length > 1 || !Array.isArray(value)) return null;
  return value.some((row) => isObject(row) && only.name in row) ? null : value;
}

/**
 * Is `inputs` the only row of a model of nested inputs? A list for what is no list by its type is a column, as MLflow has
 * it, but for a list of texts that may be a value itself.
 */
function isNestedRow(value: Json, { inputs }: ModelSignature): boolean {
  const isColumn = ({ name, json, any }: SignatureField) => {
    const cells = value[name];
    if (!Array.isArray(cells) || (json && !any)) return false;
    return !any || cells.some((cell) => typeof cell !== 'string');
  };
  return inputs.some((field) => field.json) && !inputs.some(isColumn);
}

/** Does a column of integers hold one that a number has not exactly? */
function someInexact({ tensors }: ScoringTable, signature: ModelSignature): boolean {
  return tensors.some(
    ({ name, data }) =>
      signature.inputs.some((field) => field.name === name && field.type === 'long') &&
      Array.prototype.some.call(data, isInexact),
  );
}

function toRequest(
  read: ScoringTable,
  givenParams: unknown,
  context: RequestContext,
  signature: ModelSignature,
  what: string,
): PredictRequest {
  const { tensors, rowCount } = inputsByPlace(read, signature);
  if (rowCount === 0) throw malformed(`${what} holds no rows`);
  const params = (givenParams ?? {}) as Json;
  if (typeof params !== 'object' || Array.isArray(params)) throw malformed('"params" must be an object');
  const perRow = (name: string): readonly unknown[] | null => {
    const list = params[name];
    if (list === undefined) return null;
    if (Array.isArray(list) && list.length === rowCount) return list;
    throw malformed(`params.${name} must be a list with one entry per row (${rowCount})`);
  };
  const all = <T>(value: T | null): readonly T[] | null =>
    value === null ? null : new Array<T>(rowCount).fill(value);
  const entity = givenText(params.entity, 'params.entity') ?? headerEntity(context);
  const time =
    params.event_time === undefined
      ? headerEventTimeMs(context)
      : eventTimeMs(params.event_time, 'params.event_time');
  const namesRows =
    tensors.some((t) => t.name === 'prediction_id') &&
    !signature.inputs.some((field) => field.name === 'prediction_id');
  const texts = (name: string) => perRow(name)?.map((value) => givenText(value, `params.${name}`));
  const ids = texts('prediction_ids');
  const ownIds = namesRows ? null : rowIds(uuidv7(context.receivedAtMs), rowCount);
  return {
    endpoint: context.endpoint,
    version: context.version,
    override: headerArm(context),
    rowCount,
    tensors: castColumns(tensors, signature),
    extras: 'drop',
    predictionIds: ids?.map((id) => id ?? uuidv7()) ?? ownIds,
    entities: texts('entities') ?? all(entity),
    eventTimesMs: perRow('event_times')?.map((t) => eventTimeMs(t, 'params.event_times')) ?? all(time),
    params: modelParams(params, signature),
    receivedAtMs: context.receivedAtMs,
    startedMs: context.startedMs,
    hasLeft: context.hasLeft,
    ...headerTrace(context),
  };
}

/** Params that are for us and not for the model. */
const ownParams = new Set(['prediction_ids', 'entities', 'event_times', 'entity', 'event_time']);

/** What the model's own `predict` gets as params; null when there is nothing for it. */
function modelParams(params: Json, signature: ModelSignature): Json | null {
  checkParamNesting(params);
  checkParams(params, signature.params);
  const entries = Object.entries(params).filter(([name]) => !ownParams.has(name));
  return entries.length === 0 ? null : Object.fromEntries(entries);
}
