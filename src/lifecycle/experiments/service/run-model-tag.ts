import { type Actor, authorize } from '../../../platform/access/index.ts';
import { findRunTag, setRunTags } from '../store/runs.ts';
import { invalidParameter, pythonDumps, pythonRepr } from '../validation.ts';
import { activeRun, type ExperimentsDeps } from './context.ts';

const historyTag = 'mlflow.log-model.history';
const mandatory = ['artifact_path', 'flavors', 'utc_time_created', 'run_id'] as const;

type JsonObject = Readonly<Record<string, unknown>>;

/** What clients before MLflow 3 keep of the models of a run: their descriptions in a tag of the run. */
export function runModelTagOperations({ db }: ExperimentsDeps) {
  return {
    /**
     * Appends a model to the run's list of models. Throws `tracking_invalid` when the text is no JSON object or
     * lacks a field, or when somebody has set the tag to what is no such list; `run_unknown`, `run_inactive`.
     */
    async add(actor: Actor, runId: string, modelJson: string): Promise<void> {
      authorize(actor, 'experiments:write');
      const entry = entryOf(parsedModel(modelJson));
      await db.write(async (tx) => {
        const run = await activeRun(tx, runId);
        const before = await findRunTag(tx, run.seq, historyTag);
        await setRunTags(tx, run.seq, [{ key: historyTag, value: pythonDumps([...listOf(before), entry]) }]);
      });
    },
  };
}

/** The models that the tag holds. Anybody may have set it, as any tag. */
function listOf(tag: string | undefined): readonly unknown[] {
  if (tag === undefined) return [];
  const list = parsed(tag);
  if (Array.isArray(list)) return list;
  throw invalidParameter(
    `The tag '${historyTag}' of the run is no JSON list: ${JSON.stringify(tag)}. Delete it, and log the model again.`,
  );
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parsedModel(text: string): JsonObject {
  const malformed = `Malformed model info. \n ${text} \n is not a valid JSON.`;
  const model = parsed(text);
  if (!isObject(model)) throw invalidParameter(malformed);
  const missing = mandatory.filter((name) => !(name in model));
  if (missing.length > 0) {
    const names = missing.map(pythonRepr).join(', ');
    throw invalidParameter(`Model json is missing mandatory fields: {${names}}`);
  }
  return model;
}

/** Undefined where the text is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The fields that the tag holds, without the settings of the flavors. */
function entryOf(model: JsonObject): JsonObject {
  const { run_id: runId, artifact_path: artifactPath, model_uuid: modelUuid = null } = model;
  const flavors = Object.entries(isObject(model.flavors) ? model.flavors : {}).map(([name, flavor]) => {
    if (!isObject(flavor)) return [name, flavor] as const;
    return [name, Object.fromEntries(Object.entries(flavor).filter(([key]) => key !== 'config'))] as const;
  });
  return {
    ...(runId === null ? {} : { run_id: runId }),
    ...(artifactPath === null ? {} : { artifact_path: artifactPath }),
    utc_time_created: String(model.utc_time_created),
    model_uuid: modelUuid,
    flavors: Object.fromEntries(flavors),
  };
}
