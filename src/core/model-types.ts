import { z } from 'zod';

/** Names of types that model packages are made of. Browser-safe. */

/** `sha256:` and 64 lower-case hex digits: the name of a blob. */
export const digestSchema = z.templateLiteral(
  ['sha256:', z.string().regex(/^[0-9a-f]{64}$/)],
  'expected sha256:<64 hex digits>',
);

/** MLflow's column types; `datetime` travels as RFC 3339 text and `binary` as base64. */
export const columnTypeSchema = z.enum([
  'boolean',
  'integer',
  'long',
  'float',
  'double',
  'string',
  'datetime',
  'binary',
]);
export type ColumnType = z.infer<typeof columnTypeSchema>;
