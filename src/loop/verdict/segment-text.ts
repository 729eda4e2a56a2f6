/**
 * How a value of a protected feature is named, whatever type the feature had when it came: 7 and 7.0 are one. A feature
 * of whole numbers is one of others from its first fraction on, in some files of the log earlier than in others.
 */
export function segmentText(text: string): string {
  return text.endsWith('.0') ? text.slice(0, -2) : text;
}

/** The same of a column, in SQL. */
export function segmentTextSql(column: string): string {
  return `regexp_replace(${column}::VARCHAR, '\\.0$', '')`;
}
