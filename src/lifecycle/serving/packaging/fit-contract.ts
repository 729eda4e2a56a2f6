import { z } from 'zod';
import type { SignatureField } from '../../../core/model-package.ts';
import { refused } from './read-mlmodel.ts';

/** What packaging reads of a data contract; it keeps the whole of it with the package. */
export const packagedContractSchema = z.looseObject({
  dataset: z.string().optional(),
  columns: z.array(z.looseObject({ name: z.string(), type: z.string() })),
});
type PackagedContract = z.infer<typeof packagedContractSchema>;

/** Types of the contract that can feed a type of the signature. */
const feeds: Readonly<Record<SignatureField['type'], readonly string[]>> = {
  boolean: ['boolean'],
  integer: ['integer', 'boolean', 'number'],
  long: ['integer', 'boolean', 'number'],
  float: ['number', 'integer', 'boolean'],
  double: ['number', 'integer', 'boolean'],
  string: ['string'],
  datetime: ['time'],
  binary: ['other', 'string'],
};

/**
 * A model whose inputs are not in the data, or are of another kind there, could be trained but never be asked.
 * Throws `package_refused`, naming the column, both types and the next step.
 */
export function requireContractFit(inputs: readonly SignatureField[], contract: PackagedContract): void {
  const columns = new Map(contract.columns.map((c) => [c.name, c]));
  const data = contract.dataset ? `dataset "${contract.dataset}"` : 'the data contract';
  for (const field of inputs) {
    const column = columns.get(field.name);
    if (!column && field.required && field.shape.length === 0) {
      throw refused(
        `its input "${field.name}" is not a column of ${data} (${[...columns.keys()].slice(0, 20).join(', ')})`,
        'Train on columns that the data has, or add the column to the dataset.',
      );
    }
    if (column && !feeds[field.type].includes(column.type)) {
      throw refused(
        `its input "${field.name}" is ${field.type}, but ${data} holds ${column.type} there`,
        'Convert the column before training, so that the model takes what is served.',
      );
    }
  }
}
