import { CATEGORY_LIMIT, type ColumnProfile, type ContractColumn, type DataContract } from './contract.ts';

/** What the contract is about, beside its columns. */
interface ContractSubject {
  readonly dataset: string;
  readonly version: number;
  readonly rows: number;
  readonly time: string | null;
  readonly entity: string | null;
  readonly label: string | null;
}

/**
 * The contract that the profiled rows keep: each column's type, whether it is always there, its range (finite
 * numbers) and its categories (strings and booleans with at most CATEGORY_LIMIT distinct values, sorted).
 *
 * @param categories all distinct values per column, for the columns that `wantsCategories` says yes to
 */
export function inferContract(
  subject: ContractSubject,
  profile: readonly ColumnProfile[],
  categories: ReadonlyMap<string, readonly string[]>,
): DataContract {
  return {
    formatVersion: 1,
    dataset: subject.dataset,
    datasetVersion: subject.version,
    rows: subject.rows,
    time: subject.time,
    entity: subject.entity,
    label: subject.label,
    columns: profile.map((column): ContractColumn => {
      const { name, type, missing, missingRatio, numeric } = column;
      const known = categories.get(name);
      return {
        name,
        type,
        required: missing === 0,
        missingRatio,
        range: numeric ? { min: numeric.min, max: numeric.max } : null,
        categories: known ? [...known].sort() : null,
      };
    }),
  };
}

/** Whether a column's values are listed in the contract. */
export function wantsCategories(column: ColumnProfile): boolean {
  return (column.type === 'string' || column.type === 'boolean') && column.distinct <= CATEGORY_LIMIT;
}
