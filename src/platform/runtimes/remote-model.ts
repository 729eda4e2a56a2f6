import { fail } from '../../core/errors.ts';
import { jsonOfBigInts } from '../../core/exact-json.ts';
import type { Digest } from '../../core/json.ts';
import {
  type ElementType,
  type PackageManifest,
  type RemoteRuntime,
  remoteSecretSchema,
} from '../../core/model-package.ts';
import { withoutPassword } from '../../core/without-password.ts';
import { cellDimensions, joinedCells, type OutputTensor } from '../onnx/index.ts';
import { OipClient } from './oip-client.ts';
import type { LoadedModel, ModelCall, ScoredPiece } from './open-model.ts';
import { predictionOf } from './prediction.ts';
import { decodeReply, jsonBytesHeader, requireOutputs } from './remote-reply.ts';
import { datatypeOf, type TensorKind, tensorBytes } from './tensor-bytes.ts';

type Rows = readonly (readonly unknown[])[];

/** Batches under way at the same time: the server batches on its own. */
const concurrency = 16;
const healthEveryMs = 5000;

/**
 * Opens a model that another server computes: its readiness is asked now, and again and again while it is open.
 * Throws `remote_unavailable` when it is not ready.
 *
 * @param bytesOf gives the part of the package that has the address with its password, where there is one
 */
export async function openRemote(
  manifest: PackageManifest,
  remote: RemoteRuntime,
  bytesOf: (digest: Digest) => Promise<Uint8Array>,
): Promise<LoadedModel> {
  const client = new OipClient({ ...remote, url: await addressOf(remote, bytesOf) });
  let problem = await client.problem();
  // Callers of the endpoint read it in errors.
  const url = withoutPassword(remote.url);
  const unavailable = () => fail('remote_unavailable', { url, model: remote.model, problem });
  if (problem !== null) {
    client.close();
    throw unavailable();
  }
  const streams = remote.stream ?? (await client.isDecoupled().catch(() => false));
  const failed = (text: string) => fail('remote_failed', { url, model: remote.model, problem: text });
  // One question at a time: the answer to an older one must not stand for the state of now.
  let asking = false;
  const health = setInterval(async () => {
    if (asking) return;
    asking = true;
    problem = await client.problem();
    asking = false;
  }, healthEveryMs);
  health.unref();
  return {
    concurrency,
    problem: () => problem,
    predictRows: async (rows, call) => {
      if (problem !== null) throw unavailable();
      const { headers, body } = encodeRequest(manifest, rows, remote.binary);
      const reply = await client.infer({ ...headers, ...call?.trace }, body);
      const outputs = decodeReply(reply, rows.length, manifest.tensors === 'whole', failed);
      requireOutputs(manifest, outputs, failed);
      return predictionOf(manifest, outputs, rows.length);
    },
    ...(streams
      ? {
          predictStream: (row, call, signal) => {
            if (problem !== null) throw unavailable();
            return remotePieces(client, manifest, row, call, signal, failed);
          },
        }
      : {}),
    close: async () => {
      clearInterval(health);
      client.close();
    },
  };
}

async function addressOf(
  { url, secret }: RemoteRuntime,
  bytesOf: (digest: Digest) => Promise<Uint8Array>,
): Promise<string> {
  if (secret === undefined) return url;
  return remoteSecretSchema.parse(JSON.parse(Buffer.from(await bytesOf(secret)).toString('utf8'))).url;
}

/**
 * The pieces of another server's answer, as they come: by MLServer's `infer_stream`, which Millrace has too, and where
 * there is none by Triton's `generate_stream`.
 */
async function* remotePieces(
  client: OipClient,
  manifest: PackageManifest,
  row: readonly unknown[],
  { params, trace }: ModelCall,
  signal: AbortSignal,
  failed: (problem: string) => Error,
): AsyncGenerator<ScoredPiece> {
  const headers = { ...trace };
  const whole = manifest.tensors === 'whole';
  const request = describeTensors(manifest, [row], false);
  const parameters = params ? { parameters: params } : {};
  const asTensors = Buffer.from(jsonOfBigInts({ inputs: request.inputs, ...parameters }));
  let events = await client.stream('infer_stream', headers, asTensors, signal);
  let read = (event: Readonly<Record<string, unknown>>, text: string) =>
    Array.isArray(event.outputs)
      ? decodeReply({ headers: {}, body: Buffer.from(text) }, 1, whole, failed)
      : generatedOutputs(manifest, event);
  if (!events) {
    const named = request.inputs.map(({ name, data }) => [name, data?.length === 1 ? data[0] : data]);
    const asValues = Buffer.from(jsonOfBigInts({ ...Object.fromEntries(named), ...parameters }));
    events = await client.stream('generate_stream', headers, asValues, signal);
    read = (event) => generatedOutputs(manifest, event);
  }
  if (!events) throw failed('it knows neither infer_stream nor generate_stream');
  for await (const text of events) {
    const event = eventOf(text, failed);
    if (typeof event.error === 'string') throw failed(event.error.slice(0, 300));
    const outputs = read(event, text);
    if (outputs.length === 0) continue;
    const score = predictionOf(manifest, outputs, 1).score?.[0] ?? null;
    yield { value: jsonValueOf(outputs), outputs, score };
  }
}

function eventOf(text: string, failed: (problem: string) => Error): Readonly<Record<string, unknown>> {
  try {
    const event: unknown = JSON.parse(text);
    if (typeof event === 'object' && event !== null) return event as Readonly<Record<string, unknown>>;
  } catch {
    // Told below.
  }
  throw failed('a piece of its answer is no JSON object');
}

/** Outputs of an event of Triton's generate extension: values by name, one or a list. */
function generatedOutputs(
  { graph }: PackageManifest,
  event: Readonly<Record<string, unknown>>,
): readonly OutputTensor[] {
  return graph.outputs.flatMap(({ name, type }): OutputTensor[] => {
    const value = event[name];
    if (value === undefined) return [];
    const data = (
      Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY) : [value]
    ) as OutputTensor['data'];
    return [{ name, type, shape: Array.isArray(value) ? [1, data.length] : [1], width: data.length, data }];
  });
}

/** What a piece is as JSON: its only output, or all of them by name. */
function jsonValueOf(outputs: readonly OutputTensor[]): unknown {
  const values = outputs.map(({ name, data, width }) => [name, width === 1 ? data[0] : Array.from(data)]);
  return values.length === 1 ? values[0]?.[1] : Object.fromEntries(values);
}

/** The request for rows whose cells are in the order of the signature. Throws `input_invalid`. */
function encodeRequest(
  manifest: PackageManifest,
  rows: Rows,
  binary: boolean,
): { readonly headers: Record<string, string>; readonly body: Buffer } {
  const { inputs, raw } = describeTensors(manifest, rows, binary);
  const asked = binary ? { parameters: { binary_data_output: true } } : {};
  const json = Buffer.from(jsonOfBigInts({ inputs, ...asked }));
  if (!binary) return { headers: { 'content-type': 'application/json' }, body: json };
  const headers = { 'content-type': 'application/octet-stream', [jsonBytesHeader]: String(json.length) };
  return { headers, body: Buffer.concat([json, ...raw]) };
}

interface SentTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly data?: readonly unknown[];
  readonly parameters?: { readonly binary_data_size: number };
}

/** The tensors of a request, and the bytes that follow them. Throws `input_invalid`. */
function describeTensors(
  { signature, graph, tensors }: Pick<PackageManifest, 'signature' | 'graph' | 'tensors'>,
  rows: Rows,
  binary: boolean,
): { readonly inputs: readonly SentTensor[]; readonly raw: readonly Buffer[] } {
  const raw: Buffer[] = [];
  const inputs = signature.inputs.map((field, position): SentTensor => {
    const tensor = graph.inputs.find((input) => input.name === field.name);
    const kind: TensorKind = tensor ?? { type: 'string' };
    const cells = rows.map((row) => row[position]);
    const dims = dimensionsOf(cells[0], field.shape);
    const values = joinedCells(cells);
    const perRow = tensor && tensor.shape.length > dims.length + 1 ? [1] : dims;
    const shape = tensors === 'whole' ? dims : [rows.length, ...perRow];
    const described = { name: field.name, shape, datatype: datatypeOf(kind) };
    try {
      if (!binary) return { ...described, data: Array.from(values, (value) => jsonValue(kind.type, value)) };
      const bytes = tensorBytes(kind, values);
      raw.push(bytes);
      return { ...described, parameters: { binary_data_size: bytes.length } };
    } catch (cause) {
      const problem = (cause as Error).message;
      throw fail(
        'input_invalid',
        { input: field.name, row: '', value: problem, expected: datatypeOf(kind) },
        cause,
      );
    }
  });
  return { inputs, raw };
}

function jsonValue(type: ElementType, value: unknown): unknown {
  if (type === 'string') return value === null || value === undefined ? '' : String(value);
  return value ?? null;
}

/** Dimensions of a row: those of the signature, free ones as the cell has them. */
function dimensionsOf(cell: unknown, shape: readonly number[]): number[] {
  const found = cellDimensions(cell);
  if (shape.every((d) => d >= 0)) return [...shape];
  return found.length === shape.length ? [...found] : shape.map((d) => (d >= 0 ? d : (found[0] ?? 1)));
}
