import type { MillraceError } from '../../core/errors.ts';
import { invalidParameter } from '../../lifecycle/experiments/index.ts';
import type { Actor } from '../../platform/access/index.ts';
import {
  actorOf,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from '../../platform/http/index.ts';
import { type FieldReader, fieldReader } from './field-reader.ts';
import { type Fields, type Input, queryBody, readFields, WrittenFloat } from './fields.ts';

/** A request beside its fields: who asks, and the exchange for those few endpoints that need it. */
export interface Call {
  readonly actor: Actor;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** An endpoint of MLflow's REST API. */
interface EndpointDefinition<F extends Fields> {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE' | readonly ('GET' | 'POST')[];
  /** Below `/api/2.0`. Path parameters have the names of fields. */
  readonly path: string;
  readonly fields: F;
  /** Gives the body of the reply. */
  handle(input: Input<F>, call: Call): Promise<unknown>;
}

/** An endpoint of any fields, as the surface takes it. */
export type Endpoint = EndpointDefinition<Fields>;

/** Declares an endpoint of MLflow's REST API; the input's type comes from its fields. */
export function endpoint<const F extends Fields>(definition: EndpointDefinition<F>): Endpoint {
  return definition;
}

/**
 * Routes for endpoints; each reads its fields from the body or the query as MLflow does, and throws
 * `tracking_invalid` with MLflow's texts.
 */
export function addEndpoints(scope: FastifyInstance, endpoints: readonly Endpoint[]): void {
  for (const { method, path, fields, handle } of endpoints) {
    const readPlain = fieldReader(fields);
    scope.route({
      method: typeof method === 'string' ? method : [...method],
      url: path,
      handler: async (request, reply) => {
        const call = { actor: actorOf(request), request, reply };
        return reply.send(await handle(inputOf(request, fields, readPlain), call));
      },
    });
  }
}

/** Not within the handler, which would hold what it read for as long as it waits for the answer. */
function inputOf(request: FastifyRequest, fields: Fields, readPlain: FieldReader<Fields>): Input<Fields> {
  const query = request.query as Readonly<Record<string, unknown>>;
  const inQuery = request.method === 'GET' && Object.keys(query).length > 0;
  const body = inQuery ? queryBody(fields, query) : jsonBody(request);
  const params = request.params as Readonly<Record<string, string>>;
  const given = isEmpty(params) ? body : { ...body, ...params };
  const input = readPlain(given) ?? readAsWritten(fields, given, inQuery ? undefined : request.body);
  request.body = undefined;
  return input;
}

/** Reads the fields; an error shows the numbers of the body as they were written. */
function readAsWritten(
  fields: Fields,
  values: Readonly<Record<string, unknown>>,
  text: unknown,
): Input<Fields> {
  try {
    return readFields(fields, values);
  } catch (error) {
    const written = parsed(text, floatsAsWritten);
    if (isObject(written)) readFields(fields, { ...values, ...written });
    throw error;
  }
}

function floatsAsWritten(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const isFloat = typeof value === 'number' && Number.isInteger(value) && /[.e]/i.test(context?.source ?? '');
  return isFloat ? new WrittenFloat(value) : value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The JSON body of a request. Old clients send JSON twice encoded; what is no JSON object counts as empty, as
 * in MLflow's server. Throws `tracking_invalid` for another content type.
 */
function jsonBody(request: FastifyRequest): Readonly<Record<string, unknown>> {
  if (request.method === 'POST' || request.method === 'PUT') {
    const type = request.headers['content-type'];
    if (type === undefined) throw invalidParameter('Bad Request. Content-Type header is missing.');
    if (type.split(';')[0] !== 'application/json') {
      throw wrongContentType();
    }
  }
  const once = parsed(request.body);
  const value = typeof once === 'string' ? parsed(once) : once;
  return isObject(value) ? value : {};
}

/** MLflow's answer to a body that is no JSON. */
export function wrongContentType(): MillraceError {
  return invalidParameter("Bad Request. Content-Type must be one of ['application/json'].");
}

function isEmpty(params: object): boolean {
  for (const _ in params) return false;
  return true;
}

type Reviver = (key: string, value: unknown, context?: { readonly source?: string }) => unknown;

function parsed(text: unknown, reviver?: Reviver): unknown {
  if (typeof text !== 'string' || text === '') return undefined;
  try {
    return JSON.parse(text, reviver);
  } catch {
    return parsedPython(text, reviver);
  }
}

/** JSON with the numbers NaN and Infinity, which Python's json module writes and reads. */
function parsedPython(text: string, reviver?: Reviver): unknown {
  const quoted = text.replace(/"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b/g, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  );
  try {
    return quoted === text ? undefined : JSON.parse(quoted, reviver);
  } catch {
    return undefined;
  }
}
