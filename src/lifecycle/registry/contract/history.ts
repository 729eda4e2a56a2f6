import { z } from 'zod';

/**
 * The history of registered models: every change of a model and of its versions with who, when and why; and which
 * aliases are protected. Browser-safe.
 */

/** RFC 3339 time. */
const timeSchema = z.string();
const reasonSchema = z.string().trim().min(1).max(2000);

/** What changed; for tags and aliases `key` says which. */
export const historySubjectSchema = z.enum([
  'created',
  'renamed',
  'deleted',
  'description',
  'tag',
  'alias',
  'stage',
  'source',
  'package',
  'gates',
  'approval',
  'protection',
]);
export type HistorySubject = z.infer<typeof historySubjectSchema>;

/** One change. Kept while the model is; the audit trail keeps it for good. */
export const historyEntrySchema = z.object({
  id: z.string(),
  at: timeSchema,
  /** Who, as `kind:id`. */
  by: z.string(),
  /** Null: the model itself. */
  version: z.number().int().nullable(),
  what: historySubjectSchema,
  /** The tag's key, the alias or the pattern of a protection; null for everything else. */
  key: z.string().nullable(),
  /** As text: a tag's value, the version number of an alias, a stage, a digest. Null: there was none. */
  before: z.string().nullable(),
  after: z.string().nullable(),
  /** Why; `no reason given` where the caller's API has no place for one. */
  reason: z.string(),
});
export type HistoryEntry = z.infer<typeof historyEntrySchema>;

/** `GET /api/v1/registered-models/:name/history`, newest first. */
export const historyQuerySchema = z.strictObject({
  /** Only changes of this version, and of aliases that came to it or left it. */
  version: z.coerce.number().int().min(1).optional(),
  what: historySubjectSchema.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  after: z.string().optional(),
});
export type HistoryQuery = z.infer<typeof historyQuerySchema>;

/** Names of aliases that only who may promote may move, or with a reason to an approved version. */
export const aliasProtectionSchema = z.object({
  /** `champion` is the rule that always is there. */
  id: z.string(),
  /** The registered model; null: every model. */
  model: z.string().nullable(),
  /** An alias, or a pattern of aliases with `*` for any characters: `prod*`. */
  pattern: z.string(),
  /** Rules that come with the product cannot be taken away. */
  isBuiltIn: z.boolean(),
  by: z.string(),
  reason: z.string(),
  createdAt: timeSchema.nullable(),
});
export type AliasProtection = z.infer<typeof aliasProtectionSchema>;

/** `POST /api/v1/alias-protections`. The same rule again changes nothing. */
export const protectAliasInputSchema = z.strictObject({
  model: z.string().min(1).nullable().default(null),
  pattern: z
    .string()
    .regex(/^[\p{L}\p{N}_*-]{1,255}$/u, 'may hold letters, digits, _ and -, and * for any characters'),
  reason: reasonSchema,
});
export type ProtectAliasInput = z.input<typeof protectAliasInputSchema>;

/** `GET /api/v1/alias-protections`: all rules, or those that hold for one model. */
export const aliasProtectionListQuerySchema = z.strictObject({ model: z.string().min(1).optional() });
