import { posix } from 'node:path';
import { checkKey, checkLength, invalidParameter, invalidValue, pythonRepr } from '../experiments/index.ts';
import { type Stage, stageSchema } from './contract.ts';
import type { Tag } from './records.ts';

/** Limits and message texts of MLflow 3.17's model registry (mlflow/utils/validation.py). */
const tagValueLength = 100_000;
const keyLength = 250;
const aliasLength = 255;
const promptTextTag = 'mlflow.prompt.text';

/**
 * Throws `tracking_invalid` for what can be no name of a registered model: empty, with `/` or `:`, or a name
 * of a folder.
 */
export function checkModelName(name: string): void {
  if (name.trim() === '') throw invalidParameter("Missing value for required parameter 'name'.");
  if (/[/:]/.test(name)) {
    throw invalidParameter(`Invalid model name '${name}'. Names cannot contain '/' or ':'.`);
  }
  if (name === '.' || name === '..') {
    throw invalidParameter(
      invalidValue(
        'name',
        name,
        `Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to ${pythonRepr(posix.normalize(name))}`,
      ),
    );
  }
}

/** The same for the new name of a model that is renamed, with that field in the message. */
export function checkNewModelName(name: string): void {
  if (name.trim() === '') throw invalidParameter("Missing value for required parameter 'new_name'.");
  checkModelName(name);
}

/** Version numbers come as text from MLflow's clients. */
export function parseVersion(version: string | number): number {
  const number = typeof version === 'number' ? version : Number(version.trim());
  if (!/^\s*[+-]?\d+\s*$/.test(String(version)) || !Number.isSafeInteger(number)) {
    throw invalidParameter(`Parameter 'version' must be an integer, got '${version}'.`);
  }
  return number;
}

/** Throws `tracking_invalid` for a tag that MLflow’s server refuses; prompts keep their text in one. */
export function checkRegistryTag(tag: Tag): void {
  checkKey(tag.key, 'key');
  checkLength('key', keyLength, tag.key);
  if (tag.key === promptTextTag && tag.value.length > tagValueLength) {
    throw invalidParameter(`Prompt text exceeds max length of ${tagValueLength} characters.`);
  }
  checkLength('value', tagValueLength, tag.value);
}

/**
 * Throws `tracking_invalid` for what can be no alias. `checkAliasNotReserved` refuses those that mean
 * something else.
 */
export function checkAliasName(alias: string): void {
  if (alias === '') throw invalidParameter('Registered model alias name cannot be empty.');
  if (!/^[\p{L}\p{N}_-]*$/u.test(alias)) {
    throw invalidParameter(
      `Invalid alias name: '${alias}'. Names may only contain alphanumerics, underscores (_), and dashes (-).`,
    );
  }
  checkLength('Registered model alias name', aliasLength, alias);
}

/** `latest` and `v3` mean versions already, so they cannot be aliases. */
export function checkAliasNotReserved(alias: string): void {
  if (alias.toLowerCase() === 'latest') {
    throw invalidParameter("'latest' alias name (case insensitive) is reserved.");
  }
  if (/^v\d+$/i.test(alias)) throw invalidParameter(`Version alias name '${alias}' is reserved.`);
}

/** The stage by its name in any case. */
export function parseStage(text: string): Stage {
  const stage = stageSchema.options.find((s) => s.toLowerCase() === text.toLowerCase());
  if (stage) return stage;
  throw invalidParameter(
    `Invalid Model Version stage: ${text}. Value must be one of ${stageSchema.options.join(', ')}.`,
  );
}
