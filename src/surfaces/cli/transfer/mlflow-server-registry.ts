import type { TransferRegisteredModel, TransferVersion } from '../contract.ts';
import { type Json, list, next, nullable, tagsOf, text } from './mlflow-json.ts';
import type { MlflowRest } from './mlflow-rest.ts';
import { isPrompt, loggedModelOf, mlflowVersion } from './mlflow-version.ts';

const promptFilter = "tags.`mlflow.prompt.is_prompt` = 'true'";

/** Registered models of a MLflow server, then its prompts. Versions that were deleted are only gaps there. */
export async function* registeredModelsAt(rest: MlflowRest): AsyncGenerator<TransferRegisteredModel> {
  for (const filter of [undefined, promptFilter]) {
    for (let token = ''; ; ) {
      const page = await rest.get('registered-models/search', { max_results: '100', filter, ...next(token) });
      for (const model of list(page.registered_models)) yield await toModel(rest, model);
      token = text(page.next_page_token);
      if (token === '') break;
    }
  }
}

async function toModel(rest: MlflowRest, json: Json): Promise<TransferRegisteredModel> {
  const name = text(json.name);
  const tags = tagsOf(json.tags);
  const prompt = isPrompt(tags);
  const versions: TransferVersion[] = [];
  for (let token = ''; ; ) {
    const quoted = name.includes("'") ? `"${name}"` : `'${name}'`;
    const filter = `name = ${quoted}${prompt ? ` AND ${promptFilter}` : ''}`;
    const page = await rest.get('model-versions/search', { max_results: '1000', filter, ...next(token) });
    for (const version of list(page.model_versions)) versions.push(await toVersion(rest, name, version));
    token = text(page.next_page_token);
    if (token === '') break;
  }
  versions.sort((a, b) => a.version - b.version);
  return {
    name,
    description: text(json.description),
    isPrompt: prompt,
    lastVersion: versions.at(-1)?.version ?? 0,
    createdAtMs: Number(json.creation_timestamp ?? 0),
    updatedAtMs: Number(json.last_updated_timestamp ?? 0),
    tags,
    aliases: list(json.aliases).map((alias) => ({
      alias: text(alias.alias),
      version: Number(alias.version),
    })),
    versions,
    aliasMoves: [],
  };
}

async function toVersion(rest: MlflowRest, name: string, json: Json): Promise<TransferVersion> {
  const version = text(json.version);
  const source = text(json.source);
  const { artifact_uri: storage } = await rest.get('model-versions/get-download-uri', { name, version });
  return mlflowVersion({
    version: Number(version),
    stage: text(json.current_stage),
    status: text(json.status),
    statusMessage: nullable(json.status_message),
    description: text(json.description),
    source,
    storageLocation: text(storage) || source,
    runId: nullable(json.run_id),
    runLink: nullable(json.run_link),
    modelId: nullable(json.model_id) ?? loggedModelOf(source),
    userId: text(json.user_id),
    createdAtMs: Number(json.creation_timestamp ?? 0),
    updatedAtMs: Number(json.last_updated_timestamp ?? 0),
    tags: tagsOf(json.tags),
  });
}
