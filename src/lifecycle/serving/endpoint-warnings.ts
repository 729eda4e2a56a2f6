import { MillraceError } from '../../core/errors.ts';
import type { Digest } from '../../core/json.ts';
import { unknownFeaturesWarning } from '../../core/unknown-features.ts';
import type { Endpoint } from './contract.ts';
import type { PackagedLookup } from './route-writer.ts';

interface Lookups {
  /** Names of the inputs of a package. */
  readonly inputsOf: (digest: Digest) => Promise<readonly string[]>;
  readonly packaged: PackagedLookup;
}

/** What a person should know of an endpoint: names in its options that do nothing, versions that the registry no longer has. */
export async function endpointWarnings(endpoint: Endpoint, lookups: Lookups): Promise<string[]> {
  const told = [await unknownNames(endpoint, lookups), await notRegistered(endpoint, lookups)];
  return told.filter((warning) => warning !== null);
}

async function unknownNames(endpoint: Endpoint, { inputsOf }: Lookups): Promise<string | null> {
  const { arms, entityFeature, options } = endpoint;
  const [champion] = arms;
  if (!champion || (options.log.redact.length === 0 && options.log.hash.length === 0)) return null;
  // Of a package that is away nothing can be said: that is for others to tell.
  const inputs = await inputsOf(champion.packageDigest).catch(() => null);
  // As a feature or not, it stands for the entity.
  const known = [...(inputs ?? []), ...(entityFeature === null ? [] : [entityFeature])];
  return inputs && unknownFeaturesWarning(options.log, known);
}

const unknown: ReadonlySet<string> = new Set(['registered_model_unknown', 'version_unknown']);

async function notRegistered(endpoint: Endpoint, { packaged }: Lookups): Promise<string | null> {
  const { arms, shadow, model } = endpoint;
  const served = new Set([...arms, ...(shadow ? [shadow] : [])].map(({ modelVersion }) => modelVersion));
  const gone: string[] = [];
  for (const version of served) {
    const isThere = await packaged(model, version).then(
      () => true,
      (error: unknown) => !(error instanceof MillraceError && unknown.has(error.code)),
    );
    if (!isThere) gone.push(`v${version}`);
  }
  if (gone.length === 0) return null;
  const [are, they, it] = gone.length === 1 ? ['is', 'it answers', 'it'] : ['are', 'they answer', 'they'];
  return `${gone.join(', ')} of ${model} ${are} no longer in the registry, deleted or renamed: ${they} as before, but ${it} cannot be deployed anew.`;
}
