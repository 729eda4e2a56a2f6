import type { EntityType } from './expression.ts';

/** What an attribute is compared with. A time is epoch milliseconds, a duration milliseconds. */
export type AttributeType = 'string' | 'number' | 'time' | 'duration';

/** What may be named in the filters and orders of one kind of resource. */
export interface Vocabulary {
  /** Entity type by the word before the first dot. A name without a dot is an attribute. */
  readonly entities: Readonly<Record<string, EntityType>>;
  readonly attributes: Readonly<Record<string, AttributeType>>;
  /** Other spellings of attributes. */
  readonly aliases: Readonly<Record<string, string>>;
  readonly datasetKeys: readonly string[];
  /** What our own grammar knows and MLflow's does not. */
  readonly more: {
    readonly entities?: Readonly<Record<string, EntityType>>;
    readonly attributes: Readonly<Record<string, AttributeType>>;
    readonly aliases?: Readonly<Record<string, string>>;
    /** The time that `age` is counted from. */
    readonly ageOf: string;
  };
  readonly mlflow: MlflowRules;
}

/** Where MLflow's parsers of the different resources differ, beside the names. */
interface MlflowRules {
  /** Which of its parsers. */
  readonly parser: 'runs' | 'experiments' | 'models' | 'versions' | 'logged-models';
  /** How the message about an unknown word before the dot goes on. */
  readonly entityList: string;
  /** Names that may be ordered by, in its spelling. */
  readonly orderNames: readonly string[];
  /** Attributes that may be compared with a list. */
  readonly listAttributes: readonly string[];
  /** Attributes that its parser takes numbers for. */
  readonly numericAttributes: readonly string[];
  /** Entity types that may be compared with IS NULL. */
  readonly nullable: readonly EntityType[];
}

/** Every attribute that our own grammar knows, other spellings resolved. */
export function attributeTypes(vocabulary: Vocabulary): Readonly<Record<string, AttributeType>> {
  const own = { ...vocabulary.attributes, ...vocabulary.more.attributes };
  const aliases = { ...vocabulary.aliases, ...vocabulary.more.aliases };
  const named = Object.entries(aliases).map(([alias, name]) => [alias, own[name] ?? 'string'] as const);
  return { ...own, ...Object.fromEntries(named) };
}

/** The one spelling of an attribute. */
export function attributeName(vocabulary: Vocabulary, name: string): string {
  return vocabulary.aliases[name] ?? vocabulary.more.aliases?.[name] ?? name;
}
