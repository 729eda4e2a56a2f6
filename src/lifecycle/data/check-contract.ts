import { nearestName } from '../../core/nearest-name.ts';
import type { ContractCheck, ContractCheckRequest, ContractProblem, DataContract } from './contract.ts';

type TypeName = NonNullable<ContractCheckRequest['columns'][number]['type']>;

/** Types that stand for each other. A number may be fed from integers and from true/false, not the reverse. */
const families: Readonly<Record<TypeName, string>> = {
  integer: 'number',
  long: 'number',
  number: 'number',
  float: 'number',
  double: 'number',
  boolean: 'boolean',
  string: 'string',
  time: 'time',
  datetime: 'time',
  other: 'other',
  binary: 'other',
};

/**
 * Says whether columns that somebody wants (a model's inputs, a label, a gate's segment) exist in the data with
 * types that fit. Each problem names the column, the dataset and the nearest existing name.
 */
export function checkContract(
  contract: DataContract,
  wanted: ContractCheckRequest['columns'],
): ContractCheck {
  const dataset = `dataset "${contract.dataset}" version ${contract.datasetVersion}`;
  const known = new Map(contract.columns.map((column) => [column.name, column]));
  const problems: ContractProblem[] = [];
  for (const { name, type } of wanted) {
    const column = known.get(name);
    if (!column) {
      const nearest = nearestName(name, [...known.keys()]);
      const hint = nearest
        ? `did you mean "${nearest}"?`
        : `its columns are ${[...known.keys()].slice(0, 20).join(', ')}${known.size > 20 ? ', ...' : ''}.`;
      problems.push({
        code: 'missing-column',
        column: name,
        message: `column "${name}" is not in ${dataset}; ${hint}`,
        nearest,
      });
    } else if (type && !fits(type, column.type)) {
      problems.push({
        code: 'wrong-type',
        column: name,
        message: `column "${name}" of ${dataset} holds ${column.type}, but ${type} is expected; convert it before training, or train on what is served.`,
        nearest: null,
      });
    }
  }
  return { fits: problems.length === 0, problems };
}

function fits(wanted: TypeName, held: TypeName): boolean {
  const [want, have] = [families[wanted], families[held]];
  return want === have || (want === 'number' && have === 'boolean');
}
