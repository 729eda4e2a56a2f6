import { MillraceError } from '../../core/errors.ts';
import type { FilterProblem } from './problem.ts';
import type { Vocabulary } from './vocabulary.ts';

/** Names for tests of the grammars. */
export const testVocabulary: Vocabulary = {
  entities: {
    metric: 'metric',
    metrics: 'metric',
    params: 'parameter',
    tags: 'tag',
    attributes: 'attribute',
    dataset: 'dataset',
  },
  attributes: { name: 'string', started: 'time' },
  aliases: { 'the name': 'name' },
  datasetKeys: ['name'],
  more: {
    attributes: { duration: 'duration', size: 'number' },
    aliases: { title: 'name' },
    ageOf: 'started',
  },
  mlflow: {
    parser: 'runs',
    entityList: 'Known: metrics, params, tags, attributes',
    orderNames: ['name', 'started'],
    listAttributes: ['name'],
    numericAttributes: ['started'],
    nullable: ['tag', 'parameter'],
  },
};

/** What a refusal says, with its place if it has one. Fails when nothing is refused. */
export function refusal(parse: () => unknown): {
  readonly message: string;
  readonly place: FilterProblem | undefined;
} {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'filter_invalid') throw error;
    return { message: error.message, place: error.params.filter as FilterProblem | undefined };
  }
  throw new Error('nothing was refused');
}
