import type { TransferRegisteredModel } from '../contract.ts';
import { type MlflowFile, nullable, number, tagsOf, text } from './mlflow-file.ts';
import { isPrompt, loggedModelOf, mlflowVersion } from './mlflow-version.ts';

/** Registered models and prompts of a MLflow file, with versions that were deleted. */
export function* registeredModelsIn(file: MlflowFile): Generator<TransferRegisteredModel> {
  const workspaces = file.hasColumn('registered_models', 'workspace') ? "WHERE workspace = 'default'" : '';
  for (const row of file.rows(`SELECT * FROM main.registered_models ${workspaces} ORDER BY name`)) {
    const name = text(row.name);
    const tags = tagsOf(file.rows('SELECT key, value FROM main.registered_model_tags WHERE name = ?', name));
    const aliases = file.rows(
      'SELECT alias, version FROM main.registered_model_aliases WHERE name = ?',
      name,
    );
    const versions = file.rows('SELECT * FROM main.model_versions WHERE name = ? ORDER BY version', name);
    const ofVersion = 'SELECT key, value FROM main.model_version_tags WHERE name = ? AND version = ?';
    yield {
      name,
      description: text(row.description),
      isPrompt: isPrompt(tags),
      lastVersion: versions.reduce((last, version) => Math.max(last, number(version.version)), 0),
      createdAtMs: number(row.creation_time),
      updatedAtMs: number(row.last_updated_time),
      tags,
      aliases: aliases.map((alias) => ({ alias: text(alias.alias), version: number(alias.version) })),
      aliasMoves: [],
      versions: versions.map((version) => {
        const source = text(version.source);
        return mlflowVersion({
          version: number(version.version),
          stage: text(version.current_stage),
          status: text(version.status),
          statusMessage: nullable(version.status_message),
          description: text(version.description),
          source,
          storageLocation: text(version.storage_location) || source,
          runId: text(version.run_id) || null,
          runLink: text(version.run_link) || null,
          modelId: loggedModelOf(source),
          userId: text(version.user_id),
          createdAtMs: number(version.creation_time),
          updatedAtMs: number(version.last_updated_time),
          tags: tagsOf(file.rows(ofVersion, name, number(version.version))),
        });
      }),
    };
  }
}
