import type { EntityType, Vocabulary } from '../../platform/search/index.ts';

const common: Readonly<Record<string, EntityType>> = {
  metric: 'metric',
  metrics: 'metric',
  parameter: 'parameter',
  parameters: 'parameter',
  param: 'parameter',
  params: 'parameter',
  tag: 'tag',
  tags: 'tag',
  attribute: 'attribute',
  attributes: 'attribute',
  attr: 'attribute',
  run: 'attribute',
};

/** Names in filters and orders of runs. */
export const runVocabulary: Vocabulary = {
  entities: { ...common, dataset: 'dataset', datasets: 'dataset' },
  entityList: "Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']",
  attributes: {
    artifact_uri: 'string',
    end_time: 'number',
    run_id: 'string',
    run_name: 'string',
    start_time: 'number',
    status: 'string',
    user_id: 'string',
  },
  aliases: {
    created: 'start_time',
    Created: 'start_time',
    'run name': 'run_name',
    'Run name': 'run_name',
    'Run Name': 'run_name',
  },
  orderNames: [
    'artifact_uri',
    'end_time',
    'run_id',
    'run_name',
    'start_time',
    'status',
    'user_id',
    'created',
    'Created',
  ],
  listAttributes: ['run_id'],
  datasetKeys: ['name', 'digest', 'context'],
  nullable: ['tag', 'parameter'],
};

/** Names in filters and orders of experiments. */
export const experimentVocabulary: Vocabulary = {
  entities: { attribute: 'attribute', tag: 'tag', tags: 'tag' },
  entityList: "Valid entity types are ('attribute', 'tag', 'tags')",
  attributes: {
    name: 'string',
    experiment_id: 'string',
    creation_time: 'number',
    last_update_time: 'number',
  },
  aliases: {},
  listAttributes: ['experiment_id'],
  datasetKeys: [],
  nullable: ['tag'],
};

/** Names in filters of logged models. */
export const loggedModelVocabulary: Vocabulary = {
  entities: { attributes: 'attribute', metrics: 'metric', params: 'parameter', tags: 'tag' },
  entityList: "Expected one of ['attributes', 'metrics', 'params', 'tags'].",
  attributes: {
    name: 'string',
    model_id: 'string',
    model_type: 'string',
    status: 'string',
    source_run_id: 'string',
    creation_timestamp: 'number',
    last_updated_timestamp: 'number',
  },
  aliases: { creation_time: 'creation_timestamp', last_updated_time: 'last_updated_timestamp' },
  listAttributes: ['name', 'model_id', 'model_type', 'status', 'source_run_id'],
  datasetKeys: [],
  nullable: [],
};
