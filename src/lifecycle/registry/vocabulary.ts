import type { Vocabulary } from '../../platform/search/index.ts';

const entities = { attribute: 'attribute', tag: 'tag', tags: 'tag' } as const;
const entityList = "Valid entity types are ('attribute', 'tag', 'tags')";

/** Names in filters and orders of registered models. */
export const registeredModelVocabulary: Vocabulary = {
  entities,
  entityList,
  attributes: { name: 'string' },
  aliases: {},
  listAttributes: ['name'],
  datasetKeys: [],
  nullable: [],
  orderNames: ['name', 'timestamp', 'last_updated_timestamp', 'creation_timestamp'],
};

/** Names in filters and orders of model versions. */
export const versionVocabulary: Vocabulary = {
  entities,
  entityList,
  attributes: { name: 'string', version_number: 'number', run_id: 'string', source_path: 'string' },
  aliases: {},
  listAttributes: ['name', 'run_id'],
  datasetKeys: [],
  nullable: [],
  orderNames: ['name', 'version_number', 'creation_timestamp', 'last_updated_timestamp'],
};
