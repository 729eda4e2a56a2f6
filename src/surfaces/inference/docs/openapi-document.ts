import type { ColumnType, PackageManifest, SignatureField } from '../../../core/model-package.ts';
import type { EndpointState, ServedArm } from '../../../lifecycle/serving/index.ts';
import { tensorsOf } from '../oip/metadata.ts';
import { exampleBodies } from './examples.ts';
import { serverPaths } from './server-paths.ts';

type Schema = Readonly<Record<string, unknown>>;

const columnSchemas: Readonly<Record<ColumnType, Schema>> = {
  boolean: { type: 'boolean' },
  integer: { type: 'integer', minimum: -(2 ** 31), maximum: 2 ** 31 - 1 },
  long: { type: 'integer' },
  float: { type: 'number' },
  double: { type: 'number' },
  string: { type: 'string' },
  datetime: { type: 'string', format: 'date-time' },
  binary: { type: 'string', contentEncoding: 'base64' },
};

const datatypeSchemas: Readonly<Record<string, Schema>> = {
  BOOL: { type: 'boolean' },
  BYTES: { type: 'string' },
  FP16: { type: ['number', 'null'] },
  BF16: { type: ['number', 'null'] },
  FP32: { type: ['number', 'null'] },
  FP64: { type: ['number', 'null'] },
};
const integerSchema: Schema = { type: 'integer' };
const errorSchema: Schema = {
  type: 'object',
  properties: { error: { type: 'string' } },
  required: ['error'],
};

const schemasAt = '#/components/schemas/';
const ref = (name: string): Schema => ({ $ref: `${schemasAt}${name}` });
const content = (schema: Schema, example?: object): object => ({
  'application/json': { schema, ...(example ? { example } : {}) },
});

/** An OpenAPI 3.1 document of one endpoint, made from the signature of the version that answers. */
export function openapiDocument(state: EndpointState, { model, modelVersion }: ServedArm): object {
  const { manifest } = model;
  const name = state.route.endpoint;
  const at = `/v2/models/${encodeURIComponent(name)}`;
  const examples = exampleBodies(manifest);
  const post = (summary: string, body: object, answer: Schema, error: Schema, otherErrors: object = {}) => ({
    post: {
      summary,
      operationId: operationId(summary),
      requestBody: { required: true, content: body },
      responses: {
        200: { description: 'The predictions, in the order of the rows', content: content(answer) },
        '4XX': {
          description: 'What is wrong with the request',
          content: { ...content(error), ...otherErrors },
        },
        '5XX': { description: 'What is wrong with the server or the model', content: content(error) },
      },
    },
  });
  const get = (summary: string, schema: Schema) => ({
    get: {
      summary,
      operationId: operationId(summary),
      responses: {
        200: { description: summary, content: content(schema) },
        '4XX': { description: 'There is no such model, or a key is missing', content: content(ref('Error')) },
      },
    },
  });
  return {
    openapi: '3.1.0',
    info: {
      title: `Predictions of ${name}`,
      version: modelVersion,
      description: `Endpoint ${name}: model ${state.route.model}, version ${modelVersion}.`,
    },
    servers: [{ url: '/' }],
    paths: {
      [`${at}/infer`]: post(
        'Infer (Open Inference Protocol v2)',
        content(ref('InferRequest'), examples.infer),
        ref('InferResponse'),
        ref('Error'),
      ),
      [`/endpoints/${encodeURIComponent(name)}/invocations`]: post(
        'Score (MLflow)',
        {
          ...content(ref('ScoringRequest'), examples.invocations),
          'text/csv': { schema: { type: 'string', minLength: 1 } },
        },
        ref('Predictions'),
        ref('ScoringError'),
        { 'text/plain': { schema: { type: 'string' } } },
      ),
      [`/v1/models/${encodeURIComponent(name)}:predict`]: post(
        'Predict (KServe v1)',
        content(ref('PredictRequest'), examples.predict),
        ref('Predictions'),
        ref('Error'),
      ),
      ...(model.streams ? streamPaths(at, examples.generate) : {}),
      [at]: get('Model metadata', { type: 'object' }),
      [`${at}/ready`]: get('Is the model ready', {
        type: 'object',
        properties: { name: { type: 'string' }, ready: { type: 'boolean' } },
      }),
      [`${at}/config`]: get('Model configuration', { type: 'object' }),
      [`${at}/stats`]: get('Statistics of the model', { type: 'object' }),
    },
    components: {
      schemas: { ...schemasOf(manifest), ...(model.streams ? generateSchemas(manifest) : {}) },
    },
  };
}

/**
 * One document of the whole data plane: what the server answers of itself, and the calls of each endpoint, with their
 * names in front of what has to be unique.
 */
export function serverDocument(
  version: string,
  served: readonly (readonly [EndpointState, ServedArm])[],
): object {
  const documents = served.map(([state, arm]) => {
    const prefix = `${state.route.endpoint.replace(/[^\w.-]/g, '_')}.`;
    const own = JSON.parse(JSON.stringify(openapiDocument(state, arm)), (key, value: unknown) => {
      if (key === 'operationId') return `${prefix}${value}`;
      return key === '$ref' ? String(value).replace(schemasAt, `${schemasAt}${prefix}`) : value;
    }) as { readonly paths: Schema; readonly components: { readonly schemas: Schema } };
    const schemas = Object.entries(own.components.schemas).map(([name, schema]) => [prefix + name, schema]);
    return { paths: own.paths, schemas: Object.fromEntries(schemas) as Schema };
  });
  return {
    openapi: '3.1.0',
    info: {
      title: 'Predictions',
      version,
      description: 'The data plane of this server, with all its endpoints.',
    },
    servers: [{ url: '/' }],
    paths: Object.assign({}, serverPaths, ...documents.map(({ paths }) => paths)) as Schema,
    components: {
      schemas: Object.assign({ Error: errorSchema }, ...documents.map(({ schemas }) => schemas)) as Schema,
    },
  };
}

/** Calls of a model that answers in pieces. */
function streamPaths(at: string, example: object): object {
  const body = { required: true, content: content(ref('GenerateRequest'), example) };
  const errors = {
    '4XX': { description: 'What is wrong with the request', content: content(ref('Error')) },
    '5XX': { description: 'What is wrong with the server or the model', content: content(ref('Error')) },
  };
  const call = (summary: string, description: string, answer: object) => ({
    post: {
      summary,
      operationId: operationId(summary),
      requestBody: body,
      responses: { 200: { description, content: answer }, ...errors },
    },
  });
  return {
    [`${at}/generate_stream`]: call(
      'Generate in pieces',
      'Server-sent events: the data of each is a Generated, or an Error where the answer breaks off',
      { 'text/event-stream': { schema: { type: 'string' } } },
    ),
    [`${at}/generate`]: call('Generate at once', 'The whole answer', content(ref('Generated'))),
  };
}

function operationId(summary: string): string {
  const words = summary
    .replace(/\(.*\)/, '')
    .trim()
    .split(' ');
  return words
    .map((word, i) => (i === 0 ? word.toLowerCase() : word[0]?.toUpperCase() + word.slice(1)))
    .join('');
}

function schemasOf(manifest: PackageManifest): Readonly<Record<string, Schema>> {
  const { signature } = manifest;
  const row = {
    type: 'object',
    properties: Object.fromEntries(signature.inputs.map((field) => [field.name, cellSchema(field)])),
    required: signature.inputs.filter((f) => f.required).map((f) => f.name),
  };
  const rows = { type: 'array', minItems: 1, items: ref('Row') };
  const params = {
    params: { type: ['object', 'null'], description: 'prediction_ids, entities, event_times: one per row' },
  };
  const form = (name: string, schema: Schema): Schema => ({
    type: 'object',
    properties: { [name]: schema, ...params },
    required: [name],
  });
  const values = { type: 'array', minItems: 1, items: { not: { type: 'object' } } };
  const cells = { type: 'array', items: {} };
  const split = {
    type: 'object',
    properties: {
      columns: { type: 'array', items: { type: 'string' } },
      index: { type: 'array', items: {} },
      data: { type: 'array', items: cells },
    },
    required: ['data'],
    additionalProperties: false,
  };
  return {
    Row: row,
    InferRequest: inferSchema(manifest),
    InferResponse: responseSchema(manifest),
    ScoringRequest: {
      oneOf: [
        form('dataframe_split', split),
        form('dataframe_records', rows),
        form('instances', { anyOf: [rows, values] }),
        form('inputs', { not: { type: 'null' } }),
      ],
    },
    PredictRequest: form('instances', { anyOf: [rows, values] }),
    Predictions: {
      type: 'object',
      properties: {
        predictions: { description: 'One for each row; a model may give lists by name instead' },
        prediction_ids: { type: 'array', items: { type: 'string' } },
      },
      required: ['predictions', 'prediction_ids'],
    },
    Error: errorSchema,
    ScoringError: {
      type: 'object',
      properties: { error_code: { type: 'string' }, message: { type: 'string' } },
      required: ['error_code', 'message'],
    },
  };
}

function generateSchemas({ signature }: PackageManifest): Readonly<Record<string, Schema>> {
  const value = (field: SignatureField): Schema => (field.json ? {} : cellSchema(field));
  return {
    GenerateRequest: {
      type: 'object',
      description: 'Values of the inputs for one row; all other members are parameters of the model',
      properties: {
        id: { type: 'string', description: 'Becomes the prediction id' },
        parameters: { type: 'object' },
        ...Object.fromEntries(signature.inputs.map((field) => [field.name, value(field)])),
      },
      required: signature.inputs.filter((field) => field.required).map((field) => field.name),
    },
    Generated: {
      type: 'object',
      description: 'Outputs by name',
      properties: Object.fromEntries(
        ['id', 'model_name', 'model_version'].map((name) => [name, { type: 'string' }]),
      ),
      required: ['id', 'model_name', 'model_version'],
    },
  };
}

/** A cell of a column: its value, or lists of it as the shape nests them. */
function cellSchema({ type, shape, required }: SignatureField): Schema {
  const cell = shape.reduceRight<Schema>(
    (items, size) => ({ type: 'array', items, ...(size > 0 ? { minItems: size, maxItems: size } : {}) }),
    columnSchemas[type],
  );
  return required ? cell : { anyOf: [cell, { type: 'null' }] };
}

function inferSchema(manifest: PackageManifest): Schema {
  const { inputs } = tensorsOf(manifest);
  return {
    type: 'object',
    properties: {
      id: { type: ['string', 'null'], description: 'Becomes the prediction id' },
      parameters: {
        type: ['object', 'null'],
        properties: {
          entity: { type: 'string', description: 'Who or what the request is about' },
          event_time: { description: 'RFC 3339 or epoch milliseconds' },
        },
      },
      inputs: {
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          properties: {
            name: { type: 'string', examples: inputs.map((i) => i.name) },
            shape: { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 1 },
            datatype: { type: 'string', examples: [...new Set(inputs.map((i) => i.datatype))] },
            data: { type: 'array', items: {} },
          },
          required: ['name', 'shape', 'datatype'],
        },
      },
      outputs: {
        type: ['array', 'null'],
        items: {
          type: 'object',
          properties: { name: { enum: tensorsOf(manifest).outputs.map((o) => o.name) } },
          required: ['name'],
        },
      },
    },
    required: ['inputs'],
  };
}

function responseSchema(manifest: PackageManifest): Schema {
  return {
    type: 'object',
    properties: {
      model_name: { type: 'string' },
      model_version: { type: 'string' },
      id: { type: 'string' },
      parameters: { type: 'object' },
      outputs: {
        type: 'array',
        items: {
          anyOf: tensorsOf(manifest).outputs.map(({ name, datatype, shape }) => ({
            type: 'object',
            properties: {
              name: { const: name },
              datatype: { const: datatype },
              shape: {
                type: 'array',
                items: { type: 'integer' },
                minItems: shape.length,
                maxItems: shape.length,
              },
              data: { type: 'array', items: datatypeSchemas[datatype] ?? integerSchema },
            },
            required: ['name', 'datatype', 'shape', 'data'],
          })),
        },
      },
    },
    required: ['model_name', 'id', 'outputs'],
  };
}
