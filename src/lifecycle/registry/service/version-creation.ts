import { fail } from '../../../core/errors.ts';
import { parseInput } from '../../../core/schema.ts';
import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import { invalidParameter, pythonDumps } from '../../experiments/index.ts';
import { type CreateVersionInput, createVersionInputSchema } from '../contract.ts';
import type { Tag, VersionRecord } from '../records.ts';
import { type ResolvedSource, resolveSource } from '../source.ts';
import { aliasedVersion } from '../store/aliases.ts';
import { lockModelRow, updateModelRow } from '../store/models.ts';
import { promptTag } from '../store/search.ts';
import type { ModelRow, VersionRow } from '../store/tables.ts';
import {
  findVersionOf,
  findVersionRow,
  insertVersion,
  latestVersionRows,
  setVersionTagRow,
  updateVersionRow,
} from '../store/versions.ts';
import { checkModelName, checkRegistryTag, parseStage, parseVersion } from '../validation.ts';
import { versionCreated } from '../webhooks/payloads.ts';
import {
  actorText,
  heldModel,
  modelByName,
  noReason,
  oneVersion,
  type RegistryDeps,
  record,
  versionRow,
} from './context.ts';
import { addModel } from './models.ts';

/** What an MLflow client registers. */
interface RegisterInput {
  readonly name: string;
  readonly source: string;
  readonly runId?: string | undefined;
  readonly modelId?: string | undefined;
  readonly runLink?: string | undefined;
  readonly description?: string | undefined;
  readonly tags: readonly Tag[];
}

const modelVersionsTag = 'mlflow.modelVersions';
/** What MLflow's clients name as the source of a prompt. */
const promptSources: readonly string[] = ['prompt-template', 'dummy-source'];

/** Making model versions: by the loop after packaging, and by scripts through MLflow. */
export function versionCreation(deps: RegistryDeps) {
  const { db, clock, experiments } = deps;

  const findVersion =
    (actor: Actor) =>
    async (uri: string): Promise<ResolvedSource> => {
      const [, name = '', separator, which = ''] = /^models:\/+([^/@]+)([/@])([^/]+)$/.exec(uri) ?? [];
      authorize(actor, 'read');
      const model = await modelByName(db.read, name);
      if (model.is_prompt === 1) {
        throw invalidParameter(
          `Invalid model version source: '${uri}'. Prompt versions cannot be used as model version sources.`,
        );
      }
      const aliased = separator === '@' ? await aliasedVersion(db.read, model.id, which) : undefined;
      if (aliased === null) throw fail('alias_unknown', { name, alias: which });
      const number = aliased ?? (await versionNamed(db.read, model, which));
      const row = await versionRow(db.read, model, number);
      const { storage_location: storageLocation, run_id: runId, model_id: modelId } = row;
      return { source: `models:/${name}/${number}`, storageLocation, runId, modelId };
    };

  return {
    /**
     * Registers what a script logged, as MLflow does: the source must belong to the run or logged model that
     * it names. The logged model's tag `mlflow.modelVersions` tells of the version.
     */
    async registerVersion(actor: Actor, input: RegisterInput): Promise<VersionRecord> {
      authorize(actor, 'registry:write');
      checkModelName(input.name);
      for (const tag of input.tags) checkRegistryTag(tag);
      const isPrompt = input.tags.findLast((tag) => tag.key === promptTag)?.value.toLowerCase() === 'true';
      const { source, runId, modelId } = input;
      if (deps.sourcePattern?.test(source) === false) {
        throw invalidParameter(`Invalid model version source: '${source}'.`);
      }
      if (isPrompt) checkPromptSource(source);
      const resolved = isPrompt
        ? { source, storageLocation: source, runId: runId ?? null, modelId: modelId ?? null }
        : await resolveSource(experiments, actor, { source, runId, modelId }, findVersion(actor));
      const version = await db.write(async (tx) => {
        const model = await heldModel(deps, tx, input.name);
        const facts = { run_link: input.runLink ?? null, description: input.description ?? '' };
        const row = await addVersion(deps, tx, actor, model, { ...sourceColumns(resolved), ...facts });
        const tags = [...new Map(input.tags.map((tag) => [tag.key, tag])).values()];
        for (const tag of tags)
          await setVersionTagRow(tx, { registeredId: model.id, version: row.version }, tag);
        await recordCreated(deps, tx, actor, model, row, { tags: input.tags, isPrompt });
        return oneVersion(tx, model, row);
      });
      if (!isPrompt && resolved.modelId) {
        const logged = await experiments.models.get(actor, resolved.modelId);
        const before = logged.tags.find((tag) => tag.key === modelVersionsTag)?.value;
        const list: unknown = before ? JSON.parse(before) : [];
        const entry = { name: input.name, version: version.version };
        const value = pythonDumps([...(Array.isArray(list) ? list : []), entry]);
        await experiments.models.setTags(actor, resolved.modelId, [{ key: modelVersionsTag, value }]);
      }
      return version;
    },

    /**
     * Registers a package. If the script registered the same logged model itself, its version is completed
     * with the package; a package that is a version already gives that version. So it may be repeated.
     * The registered model is made when it does not exist.
     */
    async createVersion(actor: Actor, input: CreateVersionInput): Promise<VersionRecord> {
      authorize(actor, 'registry:write');
      const facts = parseInput(createVersionInputSchema, input, 'version');
      checkModelName(facts.name);
      const logged = facts.modelId === null ? null : await experiments.models.get(actor, facts.modelId);
      return db.write(async (tx) => {
        const { name } = facts;
        const model =
          (await lockModelRow(tx, name, clock.nowMs())) ??
          (await addModel(deps, tx, actor, { name, tags: [] }));
        const packaged = {
          digest: facts.digest,
          dataset_version_id: facts.datasetVersionId,
          dataset_digest: facts.datasetDigest,
          signature: facts.signature === null ? null : JSON.stringify(facts.signature),
          evaluation_id: facts.evaluationId,
          updated_at_ms: clock.nowMs(),
        };
        const present =
          facts.version === undefined
            ? await findVersionOf(tx, model.id, { digest: facts.digest, modelId: facts.modelId })
            : await findVersionRow(tx, model.id, facts.version);
        if (present?.digest === facts.digest) return oneVersion(tx, model, present);
        if (present) {
          await updateVersionRow(tx, { registeredId: model.id, version: present.version }, packaged);
          const event = 'model-version.packaged';
          const change = {
            actor,
            action: 'registry:package',
            event,
            model,
            version: present.version,
          } as const;
          await record(deps, tx, {
            ...change,
            after: { digest: facts.digest },
            reason: 'the package is ready',
            history: [{ what: 'package', after: facts.digest }],
          });
          return oneVersion(tx, model, { ...present, ...packaged });
        }
        const source =
          facts.source ?? (facts.modelId === null ? `blob:${facts.digest}` : `models:/${facts.modelId}`);
        const row = await addVersion(deps, tx, actor, model, {
          ...sourceColumns({
            source,
            storageLocation: logged?.artifactUri ?? source,
            runId: facts.sourceRunId ?? logged?.sourceRunId ?? null,
            modelId: facts.modelId,
          }),
          ...packaged,
          run_link: null,
          description: facts.description,
        });
        await recordCreated(deps, tx, actor, model, row, { tags: [], isPrompt: false });
        return oneVersion(tx, model, row);
      });
    },
  };
}

/** Prompts have no files: a source that names some would let them be read. Text of MLflow. */
function checkPromptSource(source: string): void {
  if (promptSources.includes(source)) return;
  throw invalidParameter(
    `Invalid prompt source: '${source}'. Prompt sources must use an MLflow placeholder.`,
  );
}

async function versionNamed(tx: Tx, model: ModelRow, which: string): Promise<number> {
  if (/^\d+$/.test(which)) return parseVersion(which);
  const rows = await latestVersionRows(tx, [model.id]);
  const inStage = which === 'latest' ? rows : rows.filter((row) => row.stage === parseStage(which));
  return inStage.reduce((latest, row) => Math.max(latest, row.version), 0);
}

function sourceColumns(source: ResolvedSource) {
  return {
    source: source.source,
    storage_location: source.storageLocation,
    run_id: source.runId,
    model_id: source.modelId,
  };
}

type NewVersion = Pick<
  VersionRow,
  'source' | 'storage_location' | 'run_id' | 'model_id' | 'run_link' | 'description'
> &
  Partial<VersionRow>;

/** Inserts the next version of a model that is held. */
async function addVersion(
  deps: RegistryDeps,
  tx: Tx,
  actor: Actor,
  model: ModelRow,
  facts: NewVersion,
): Promise<VersionRow> {
  const nowMs = deps.clock.nowMs();
  const row: VersionRow = {
    registered_id: model.id,
    version: model.last_version + 1,
    status: 'READY',
    status_message: null,
    stage: 'None',
    deleted: 0,
    undescribed: 0,
    digest: null,
    dataset_version_id: null,
    dataset_digest: null,
    signature: null,
    evaluation_id: null,
    created_by: actorText(actor),
    created_at_ms: nowMs,
    updated_at_ms: nowMs,
    ...facts,
  };
  await updateModelRow(tx, model.id, { last_version: row.version });
  await insertVersion(tx, row);
  return row;
}

async function recordCreated(
  deps: RegistryDeps,
  tx: Tx,
  actor: Actor,
  model: ModelRow,
  row: VersionRow,
  told: { readonly tags: readonly Tag[]; readonly isPrompt: boolean },
): Promise<void> {
  const after = { source: row.source, digest: row.digest, sourceRunId: row.run_id, modelId: row.model_id };
  const event = 'model-version.created';
  const change = {
    actor,
    action: 'registry:create-version',
    event,
    model,
    version: row.version,
  } as const;
  const { version, source, run_id: runId, description } = row;
  const announced = { name: model.name, version, source, runId, description, ...told };
  await record(deps, tx, {
    ...change,
    after,
    reason: noReason,
    history: [{ what: 'created', after: source }],
    announcements: [versionCreated(announced)],
  });
}
