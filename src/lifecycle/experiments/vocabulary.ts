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
  attributes: {
    artifact_uri: 'string',
    end_time: 'time',
    run_id: 'string',
    run_name: 'string',
    start_time: 'time',
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
  datasetKeys: ['name', 'digest', 'context'],
  more: {
    attributes: { duration: 'duration', experiment_id: 'string' },
    aliases: { id: 'run_id', name: 'run_name', user: 'user_id' },
    ageOf: 'start_time',
  },
  mlflow: {
    parser: 'runs',
    entityList: "Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']",
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
    numericAttributes: ['start_time', 'end_time', 'created', 'Created'],
    nullable: ['tag', 'parameter'],
  },
};

/** Names in filters and orders of experiments. */
export const experimentVocabulary: Vocabulary = {
  entities: { attribute: 'attribute', tag: 'tag', tags: 'tag' },
  attributes: {
    name: 'string',
    experiment_id: 'string',
    creation_time: 'time',
    last_update_time: 'time',
  },
  aliases: {},
  datasetKeys: [],
  more: {
    entities: { attributes: 'attribute' },
    attributes: {},
    aliases: { id: 'experiment_id', created: 'creation_time', updated: 'last_update_time' },
    ageOf: 'creation_time',
  },
  mlflow: {
    parser: 'experiments',
    entityList: "Valid entity types are ('attribute', 'tag', 'tags')",
    orderNames: ['name', 'experiment_id', 'creation_time', 'last_update_time'],
    listAttributes: ['experiment_id'],
    numericAttributes: ['creation_time', 'last_update_time'],
    nullable: ['tag'],
  },
};

/** Names in filters of logged models. */
export const loggedModelVocabulary: Vocabulary = {
  entities: { attributes: 'attribute', metrics: 'metric', params: 'parameter', tags: 'tag' },
  attributes: {
    name: 'string',
    model_id: 'string',
    model_type: 'string',
    status: 'string',
    source_run_id: 'string',
    creation_timestamp: 'time',
    last_updated_timestamp: 'time',
  },
  aliases: { creation_time: 'creation_timestamp', last_updated_time: 'last_updated_timestamp' },
  datasetKeys: [],
  more: {
    entities: { metric: 'metric', param: 'parameter', tag: 'tag', attribute: 'attribute' },
    attributes: { experiment_id: 'string' },
    aliases: { id: 'model_id' },
    ageOf: 'creation_timestamp',
  },
  mlflow: {
    parser: 'logged-models',
    entityList: "Expected one of ['attributes', 'metrics', 'params', 'tags'].",
    orderNames: [],
    listAttributes: [],
    numericAttributes: ['creation_timestamp', 'last_updated_timestamp'],
    nullable: [],
  },
};
