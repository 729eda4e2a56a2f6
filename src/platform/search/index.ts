export { byteOrder, comparisonSql } from './compare.ts';
export { type Condition, type EntityType, parseFilter, type Vocabulary } from './grammar.ts';
export { afterCondition, orderBySql, pageToken, readPageToken, type SortColumn } from './keyset.ts';
export { type OrderKey, parseOrder } from './order.ts';
