import { z } from 'zod';
import { readersOf } from './preconditions.ts';
import { problemBody } from './problem.ts';
import type { Route } from './route.ts';

type JsonObject = Record<string, unknown>;

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'A key of your own for this request. Sent again within 24 hours it gets the same answer and does nothing.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

const ifMatch = {
  name: 'If-Match',
  in: 'header',
  required: false,
  description:
    'The ETag of the resource as it was read. Somebody has changed it since: nothing is done, and the answer is 412.',
  schema: { type: 'string' },
};

/**
 * The OpenAPI 3.1 description of routes, from the schemas that the routes are parsed by.
 *
 * @param version the product's version
 */
export function openApi(routes: readonly Route[], version: string): JsonObject {
  const paths: Record<string, JsonObject> = {};
  const readers = readersOf(routes);
  const schemas = new SharedSchemas();
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}').replace(/\*$/, '{path}');
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = operation(route, readers.has(route), schemas);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Millrace', version, license: { name: 'Apache-2.0' } },
    servers: [{ url: 'http://127.0.0.1:7600' }],
    paths: Object.fromEntries(Object.entries(paths).sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      parameters: { IdempotencyKey: idempotencyKey, IfMatch: ifMatch },
      schemas: { Problem: schemas.of(problemBody, 'output'), ...schemas.named },
    },
  };
}

function operation(route: Route, takesMatch: boolean, schemas: SharedSchemas): JsonObject {
  const [, , , resource = 'other'] = route.path.split('/');
  const json = (schema: JsonObject, type = 'application/json') => ({ content: { [type]: { schema } } });
  const takesKey = route.method === 'POST' && route.bodyKind !== 'raw';
  const parameters = [
    ...parametersOf(route.params, 'path', schemas),
    ...parametersOf(route.query, 'query', schemas),
    ...(takesKey ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []),
    ...(takesMatch ? [{ $ref: '#/components/parameters/IfMatch' }] : []),
  ];
  const body =
    route.bodyKind === 'raw'
      ? { required: true, ...json({}, 'application/octet-stream') }
      : route.body && { required: true, ...json(schemas.of(route.body, 'input')) };
  // Files are sent as they lie.
  const type = route.response instanceof z.ZodUnknown ? 'application/octet-stream' : 'application/json';
  const answer = json(schemas.of(route.response, 'output'), type);
  const isEmpty = route.status === 204 || route.response instanceof z.ZodUndefined;
  return {
    tags: [resource],
    summary: route.summary,
    operationId: operationId(route),
    'x-permission': route.permission,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body ? { requestBody: body } : {}),
    responses: {
      ...(isEmpty
        ? { 204: { description: 'OK' } }
        : { [route.status ?? 200]: { description: 'OK', ...answer } }),
      default: {
        description: 'What happened, to what, and what to do next',
        ...json({ $ref: '#/components/schemas/Problem' }, 'application/problem+json'),
      },
    },
  };
}

function operationId(route: Route): string {
  const words = route.path
    .replace('/api/v1/', '')
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean);
  return [route.method.toLowerCase(), ...words].join('-');
}

function parametersOf(
  schema: z.ZodType | undefined,
  where: 'path' | 'query',
  schemas: SharedSchemas,
): JsonObject[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = schemas.of(schema, 'input') as {
    properties?: Record<string, JsonObject>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === 'path' || required.includes(name),
    schema: property,
  }));
}

/** JSON schemas of a document. Those that contain themselves have a name there, by which they are referred to. */
class SharedSchemas {
  readonly #named = new Map<string, JsonObject>();

  get named(): JsonObject {
    return Object.fromEntries(this.#named);
  }

  of(schema: z.ZodType, io: 'input' | 'output'): JsonObject {
    const { $schema: _, $defs = {}, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
    // What a schema calls its parts, and itself.
    const parts: Record<string, unknown> = { '#': json };
    for (const [key, part] of Object.entries($defs)) parts[`#/$defs/${key}`] = part;
    const text = JSON.stringify({ json, $defs });
    const places: [from: string, to: string][] = [];
    for (const from of Object.keys(parts)) {
      if (!text.includes(`"$ref":"${from}"`)) continue;
      const name = `Nested${this.#named.size + 1}`;
      this.#named.set(name, {});
      places.push([from, `#/components/schemas/${name}`]);
    }
    const moved = (value: unknown) =>
      JSON.parse(
        places.reduce(
          (before, [from, to]) => before.replaceAll(`"$ref":"${from}"`, `"$ref":"${to}"`),
          JSON.stringify(value),
        ),
      ) as JsonObject;
    for (const [from, to] of places) this.#named.set(to.slice(to.lastIndexOf('/') + 1), moved(parts[from]));
    return moved(json);
  }
}
