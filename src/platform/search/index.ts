export { comparisonSql, textComparisonSql } from './compare.ts';
export {
  allOf,
  ambiguousKeys,
  type Condition,
  conditionsOf,
  type EntityType,
  type Expression,
  type MetricStat,
  mapConditions,
  type Operand,
  type OrderKey,
  wholeKeys,
} from './expression.ts';
export { type FieldMask, parseFields } from './fields.ts';
export { filterSql } from './filter-sql.ts';
export { type Grammar, parseFilter, parseOrder } from './grammar.ts';
export {
  afterCondition,
  cutPage,
  orderBySql,
  type Page,
  pageToken,
  readPageToken,
  type SortColumn,
} from './keyset.ts';
export { listedNames } from './names.ts';
export { invalidFilter } from './problem.ts';
export { addSearchFunctions } from './sqlite-functions.ts';
export type { Vocabulary } from './vocabulary.ts';
