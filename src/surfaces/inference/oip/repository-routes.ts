import { fail } from '../../../core/errors.ts';
import type { ModelRepository, Plane, RepositoryEntry } from '../../../lifecycle/serving/index.ts';
import { type HttpAnswer, jsonAnswer } from '../http/answer.ts';
import { parseJson } from '../http/json-body.ts';
import { malformed } from '../request-context.ts';

type Json = Readonly<Record<string, unknown>>;

const filePrefix = 'file:';

/** An empty body says as much as `{}`. */
export function optionalJson(body: Buffer): Json {
  return body.length === 0 ? {} : parseJson(body);
}

/**
 * `POST v2/repository/index`: a bare list of model versions with their state. With `{"ready": true}` only those that
 * answer. A server that follows control lists what it serves.
 *
 * @param sees which models the caller is told of
 */
export async function repositoryIndex(
  body: Buffer,
  plane: Plane,
  repository: ModelRepository | null,
  sees: (model: string) => boolean,
): Promise<HttpAnswer> {
  const { ready } = optionalJson(body);
  if (ready !== undefined && typeof ready !== 'boolean') {
    throw malformed("Invalid value for 'ready': expected a boolean");
  }
  const entries = repository ? await repository.index() : endpointsOf(plane);
  const listed = entries.filter((e) => (!ready || e.state === 'READY') && sees(e.name));
  return jsonAnswer(
    200,
    listed.map(({ version, ...entry }) => (version === null ? entry : { ...entry, version })),
  );
}

function endpointsOf(plane: Plane): readonly RepositoryEntry[] {
  return plane.endpoints.flatMap(({ route: { endpoint: name }, arms }): RepositoryEntry[] => {
    const versions = [...new Set(arms.map((arm) => arm.modelVersion))];
    if (versions.length === 0) {
      return [{ name, version: null, state: 'UNAVAILABLE', reason: 'no version is deployed' }];
    }
    return versions.map((version) => ({ name, version, state: 'READY', reason: '' }));
  });
}

/**
 * `POST v2/repository/models/<name>/load` and `/unload`. Throws `repository_controlled` where control decides what is
 * served, `request_malformed`, and the errors of the repository.
 */
export async function changeRepository(
  name: string,
  action: 'load' | 'unload',
  body: Buffer,
  repository: ModelRepository | null,
): Promise<HttpAnswer> {
  if (!repository) throw fail('repository_controlled', { model: name, action });
  const parameters = (optionalJson(body).parameters ?? {}) as Json;
  if (typeof parameters !== 'object' || Array.isArray(parameters)) {
    throw malformed('"parameters" must be an object');
  }
  if (action === 'unload') {
    await repository.unload(name, parameters.unload_dependents === true);
    return jsonAnswer(200, {});
  }
  const { config } = parameters;
  if (config !== undefined && typeof config !== 'string') {
    throw malformed('parameters.config must be the configuration as JSON text');
  }
  const files = new Map<string, Uint8Array>();
  for (const [key, value] of Object.entries(parameters)) {
    if (key.startsWith(filePrefix)) files.set(key.slice(filePrefix.length), fileBytes(key, value));
  }
  await repository.load(name, { config: config ?? null, files });
  return jsonAnswer(200, {});
}

function fileBytes(key: string, value: unknown): Uint8Array {
  const text = typeof value === 'string' ? value.replace(/\s/g, '') : null;
  if (text === null || !/^[A-Za-z0-9+/]*={0,2}$/.test(text))
    throw malformed(`parameters["${key}"] must be base64`);
  return Buffer.from(text, 'base64');
}
