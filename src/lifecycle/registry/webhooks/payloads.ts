import type { Tag } from '../records.ts';
import { promptTag } from '../store/search.ts';

/** What changed, in the terms of MLflow's events and payloads (mlflow/webhooks/types.py). */
export interface Announcement {
  /** `entity.action` */
  readonly event: string;
  readonly data: Readonly<Record<string, unknown>>;
}

const promptTextTag = 'mlflow.prompt.text';
const promptTypeTag = '_mlflow_prompt_type';

const tagMap = (tags: readonly Tag[], without: readonly string[] = []) =>
  Object.fromEntries(tags.filter(({ key }) => !without.includes(key)).map(({ key, value }) => [key, value]));

/** A name was registered. Prompts are told without the tags that make them prompts. */
export function modelCreated(model: {
  readonly name: string;
  readonly description: string;
  readonly tags: readonly Tag[];
  readonly isPrompt: boolean;
}): Announcement {
  const { name, description, tags, isPrompt } = model;
  return isPrompt
    ? { event: 'prompt.created', data: { name, tags: tagMap(tags, [promptTag, promptTypeTag]), description } }
    : { event: 'registered_model.created', data: { name, tags: tagMap(tags), description } };
}

/** A version was registered; of a prompt with its text as `template`, null when it has none. */
export function versionCreated(version: {
  readonly name: string;
  readonly version: number;
  readonly source: string;
  readonly runId: string | null;
  readonly description: string;
  readonly tags: readonly Tag[];
  readonly isPrompt: boolean;
}): Announcement {
  const { name, source, tags, isPrompt } = version;
  const number = String(version.version);
  const description = version.description || null;
  if (!isPrompt) {
    const data = {
      name,
      version: number,
      source,
      run_id: version.runId || null,
      tags: tagMap(tags),
      description,
    };
    return { event: 'model_version.created', data };
  }
  const template = tags.findLast(({ key }) => key === promptTextTag)?.value ?? null;
  const shown = tagMap(tags, [promptTag, promptTypeTag, promptTextTag]);
  return {
    event: 'prompt_version.created',
    data: { name, version: number, template, tags: shown, description },
  };
}

/** A tag of a prompt; MLflow has no event for tags of registered models. */
export function promptTagChanged(name: string, key: string, value: string | null): Announcement {
  return value === null
    ? { event: 'prompt_tag.deleted', data: { name, key } }
    : { event: 'prompt_tag.set', data: { name, key, value } };
}

/** A tag of a version was set, or with the value null taken away. */
export function versionTagChanged(
  of: { readonly name: string; readonly version: number; readonly isPrompt: boolean },
  key: string,
  value: string | null,
): Announcement {
  const entity = of.isPrompt ? 'prompt_version_tag' : 'model_version_tag';
  const data = { name: of.name, version: String(of.version), key };
  return value === null
    ? { event: `${entity}.deleted`, data }
    : { event: `${entity}.set`, data: { ...data, value } };
}

/** An alias came to a version, or with the version null was taken away. MLflow calls each move `created`. */
export function aliasChanged(
  of: { readonly name: string; readonly isPrompt: boolean },
  alias: string,
  version: number | null,
): Announcement {
  const entity = of.isPrompt ? 'prompt_alias' : 'model_version_alias';
  const data = { name: of.name, alias };
  return version === null
    ? { event: `${entity}.deleted`, data }
    : { event: `${entity}.created`, data: { ...data, version: String(version) } };
}

const model = {
  name: 'example_model',
  tags: { example_key: 'example_value' },
  description: 'An example registered model',
};
const prompt = {
  name: 'example_prompt',
  tags: { example_key: 'example_value' },
  description: 'An example prompt',
};
const tag = { key: 'example_key', value: 'example_value' };
const key = { key: 'example_key' };

/** What a test sends, by event: MLflow's own examples. */
export const examplePayloads: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'registered_model.created': model,
  'model_version.created': {
    name: model.name,
    version: '1',
    source: 'models:/123',
    run_id: 'abcd1234abcd5678',
    tags: model.tags,
    description: 'An example model version',
  },
  'model_version_tag.set': { name: model.name, version: '1', ...tag },
  'model_version_tag.deleted': { name: model.name, version: '1', ...key },
  'model_version_alias.created': { name: model.name, alias: 'example_alias', version: '1' },
  'model_version_alias.deleted': { name: model.name, alias: 'example_alias' },
  'prompt.created': prompt,
  'prompt_version.created': {
    name: prompt.name,
    version: '1',
    template: 'Hello {{name}}!',
    tags: prompt.tags,
    description: 'An example prompt version',
  },
  'prompt_tag.set': { name: prompt.name, ...tag },
  'prompt_tag.deleted': { name: prompt.name, ...key },
  'prompt_version_tag.set': { name: prompt.name, version: '1', ...tag },
  'prompt_version_tag.deleted': { name: prompt.name, version: '1', ...key },
  'prompt_alias.created': { name: prompt.name, alias: 'example_alias', version: '1' },
  'prompt_alias.deleted': { name: prompt.name, alias: 'example_alias' },
  'budget_policy.exceeded': {
    budget_policy_id: 'bp-abc123',
    budget_unit: 'USD',
    budget_amount: 100.0,
    current_spend: 105.5,
    duration_unit: 'MONTHS',
    duration_value: 1,
    target_scope: 'ENDPOINT',
    workspace: 'default',
    target_value: 'ep-abc123',
    window_start: 1704067200000,
  },
};

/**
 * The body of a delivery: entity, action, time and data, as MLflow sends it.
 *
 * @param atMs when it happened
 */
export function bodyOf({ event, data }: Announcement, atMs: number): string {
  const [entity, action] = event.split('.', 2);
  const timestamp = new Date(atMs).toISOString().replace('Z', '000+00:00');
  return JSON.stringify({ entity, action, timestamp, data });
}
