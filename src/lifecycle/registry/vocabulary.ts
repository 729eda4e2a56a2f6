import type { Vocabulary } from '../../platform/search/index.ts';

const entities = { attribute: 'attribute', tag: 'tag', tags: 'tag' } as const;
const entityList = "Valid entity types are ('attribute', 'tag', 'tags')";
const times = { creation_timestamp: 'time', last_updated_timestamp: 'time' } as const;

/** Names in filters and orders of registered models. */
export const registeredModelVocabulary: Vocabulary = {
  entities,
  attributes: { name: 'string' },
  aliases: {},
  datasetKeys: [],
  more: {
    entities: { attributes: 'attribute' },
    attributes: { ...times, description: 'string' },
    aliases: { timestamp: 'last_updated_timestamp' },
    ageOf: 'creation_timestamp',
  },
  mlflow: {
    parser: 'models',
    entityList,
    orderNames: ['name', 'last_updated_timestamp'],
    listAttributes: ['name'],
    numericAttributes: [],
    nullable: [],
  },
};

/** Names in filters and orders of model versions. */
export const versionVocabulary: Vocabulary = {
  entities,
  attributes: { name: 'string', version_number: 'number', run_id: 'string', source_path: 'string' },
  aliases: {},
  datasetKeys: [],
  more: {
    entities: { attributes: 'attribute' },
    attributes: {
      ...times,
      description: 'string',
      status: 'string',
      stage: 'string',
      model_id: 'string',
      created_by: 'string',
    },
    aliases: { version: 'version_number' },
    ageOf: 'creation_timestamp',
  },
  mlflow: {
    parser: 'versions',
    entityList,
    orderNames: ['name', 'version_number', 'creation_timestamp', 'last_updated_timestamp'],
    listAttributes: ['name', 'run_id'],
    numericAttributes: ['version_number'],
    nullable: [],
  },
};
