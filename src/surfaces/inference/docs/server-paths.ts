type Schema = Readonly<Record<string, unknown>>;

const text: Schema = { type: 'string' };
const flag: Schema = { type: 'boolean' };
const objectOf = (properties: Readonly<Record<string, Schema>>): Schema => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
});
const listOf = (items: Schema): Schema => ({ type: 'array', items });
const content = (schema: Schema) => ({ 'application/json': { schema } });
const error = {
  description: 'What is wrong',
  content: content({ $ref: '#/components/schemas/Error' }),
};
const errors = { '4XX': error, '5XX': error };

const names = objectOf({ models: listOf(text) });
const live = objectOf({ live: flag });
const ready = objectOf({ live: flag, ready: flag });
const traceSettings = { type: 'object', additionalProperties: { anyOf: [text, listOf(text)] } } as const;
const logSettings = {
  type: 'object',
  additionalProperties: { anyOf: [text, flag, { type: 'integer' }] },
} as const;
const statistics = objectOf({ model_stats: listOf({ type: 'object' }) });
const index = listOf({
  type: 'object',
  properties: { name: text, version: text, state: text, reason: text },
  required: ['name', 'state', 'reason'],
});
const model = { name: 'model', in: 'path', required: true, schema: text };

interface Operation {
  readonly id: string;
  readonly summary: string;
  readonly answer: object;
  readonly body?: Schema;
}

const get = ({ id, summary, answer }: Operation) => ({
  operationId: id,
  summary,
  responses: { 200: { description: summary, ...answer }, ...errors },
});
const post = ({ body = { type: 'object' }, ...operation }: Operation) => ({
  ...get(operation),
  requestBody: { required: false, content: content(body) },
});
const json = (schema: Schema) => ({ content: content(schema) });
const asText = { content: { 'text/plain': { schema: text } } };

const repositoryChange = (id: string, summary: string) => ({
  parameters: [model],
  post: post({
    id,
    summary: `${summary}; refused where control decides what is served`,
    answer: json({ type: 'object' }),
    body: { type: 'object', properties: { parameters: { type: 'object' } } },
  }),
});

const nullable = (schema: Schema): Schema => ({
  type: 'object',
  additionalProperties: { anyOf: [schema, { type: 'null' }] },
});
const traceChange = nullable({ anyOf: [text, listOf(text), { type: 'number' }] });

/** What the data plane answers of itself and of all models: the part of the server's OpenAPI document that is no endpoint's. */
export const serverPaths: Readonly<Record<string, object>> = {
  '/v2': {
    get: get({
      id: 'serverMetadata',
      summary: 'Name, version and extensions of the server',
      answer: json(objectOf({ name: text, version: text, extensions: listOf(text) })),
    }),
  },
  '/v2/health/live': {
    get: get({ id: 'serverLive', summary: 'Does the server answer', answer: json(live) }),
  },
  '/v2/health/ready': {
    get: {
      operationId: 'serverReady',
      summary: 'Are the models loaded',
      responses: {
        200: { description: 'They are', ...json(ready) },
        503: { description: 'Not yet, or the server drains', ...json(ready) },
        '4XX': error,
      },
    },
  },
  '/v2/models': { get: get({ id: 'listModels', summary: 'Names of the endpoints', answer: json(names) }) },
  '/v1/models': {
    get: get({ id: 'listModelsV1', summary: 'Names of the endpoints (KServe v1)', answer: json(names) }),
  },
  '/v2/models/stats': {
    get: get({ id: 'allStatistics', summary: 'Statistics of all models', answer: json(statistics) }),
  },
  '/v2/repository/index': {
    post: post({
      id: 'repositoryIndex',
      summary: 'Versions of the models with their states',
      answer: json(index),
      body: { type: 'object', properties: { ready: flag } },
    }),
  },
  '/v2/repository/models/{model}/load': repositoryChange('loadModel', 'Load a model'),
  '/v2/repository/models/{model}/unload': repositoryChange('unloadModel', 'Unload a model'),
  '/v2/trace/setting': {
    get: get({ id: 'traceSettings', summary: 'Trace settings', answer: json(traceSettings) }),
    post: post({
      id: 'setTraceSettings',
      summary: 'Set trace settings, which change nothing',
      answer: json(traceSettings),
      body: traceChange,
    }),
  },
  '/v2/models/{model}/trace/setting': {
    parameters: [model],
    get: get({ id: 'modelTraceSettings', summary: 'Trace settings of a model', answer: json(traceSettings) }),
    post: post({
      id: 'setModelTraceSettings',
      summary: 'Set trace settings of a model, which change nothing',
      answer: json(traceSettings),
      body: traceChange,
    }),
  },
  '/v2/logging': {
    get: get({ id: 'logSettings', summary: 'Log settings', answer: json(logSettings) }),
    post: post({
      id: 'setLogSettings',
      summary: 'Set log settings, which change nothing',
      answer: json(logSettings),
      body: nullable({ anyOf: [text, flag, { type: 'integer' }] }),
    }),
  },
  '/version': { get: get({ id: 'version', summary: 'Version of the server', answer: asText }) },
  '/metrics': { get: get({ id: 'metrics', summary: 'Metrics in the form of Prometheus', answer: asText }) },
  '/ping': {
    get: {
      operationId: 'ping',
      summary: 'Are the models loaded (MLflow, SageMaker)',
      responses: { 200: { description: 'They are' }, 503: { description: 'Not yet, or the server drains' } },
    },
  },
};
