/**
 * Says of names among the features never logged, or logged as a hash, that they are no input of the model: whoever meant
 * one that is, has it logged as it comes. null: there are none.
 *
 * @param inputs those of the version that answers, and the endpoint's entity feature
 */
export function unknownFeaturesWarning(
  { redact, hash }: { readonly redact: readonly string[]; readonly hash: readonly string[] },
  inputs: readonly string[],
): string | null {
  const named = [...new Set([...redact, ...hash])];
  const unknown = named.filter((name) => name !== 'entity' && !inputs.includes(name));
  if (unknown.length === 0) return null;
  const by = unknown.length === 1 ? 'that name' : 'those names';
  return `No input of the version that answers is called ${unknown.join(', ')}: nothing is kept out of the log by ${by}.`;
}
