import {
  downloadType,
  type Experiments,
  invalidParameter,
  safeArtifactPath,
  sendFile,
} from '../../../lifecycle/experiments/index.ts';
import type { Registry } from '../../../lifecycle/registry/index.ts';
import { type Call, type Endpoint, endpoint } from '../endpoint.ts';
import { fileJson, list } from '../wire.ts';
import { byRun } from './runs.ts';

/** How long signed URLs hold unless asked otherwise. */
const uploadUrlS = 900;
const downloadUrlS = 300;
/** Clouds sign for no longer. */
const longestUrlS = 604_800;

/** Lists of artifacts, and ways to them past the server. */
export function artifactEndpoints({ runs, models, artifacts }: Experiments): readonly Endpoint[] {
  const direct = { path: { kind: 'string', required: true }, expiration: { kind: 'int' } } as const;
  const refuseProxied = (what: string, uri: string): void => {
    const scheme = /^(https?|mlflow-artifacts):/i.exec(uri)?.[1];
    if (scheme) throw invalidParameter(`${what} (artifact URI scheme: ${scheme}). ${needsCloud(what)}`);
  };

  return [
    endpoint({
      method: 'GET',
      path: '/mlflow/artifacts/list',
      fields: { ...byRun, path: { kind: 'string' }, page_token: { kind: 'string' } },
      async handle(input, { actor }) {
        const run = await runs.get(actor, input.run_id);
        const entries = await artifacts.listRoot(actor, run.artifactUri, input.path ?? '');
        return { root_uri: run.artifactUri, ...list('files', entries.map(fileJson)) };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow-artifacts/artifacts',
      fields: { path: { kind: 'string' } },
      async handle(input, { actor }) {
        return list('files', (await artifacts.list(actor, input.path ?? '')).map(fileJson));
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/artifacts/presigned-upload-url',
      fields: { run_id: { kind: 'string' }, model_id: { kind: 'string' }, ...direct },
      async handle(input, { actor }) {
        const { run_id: runId = '', model_id: modelId = '', path, expiration = uploadUrlS } = input;
        if ((runId === '') === (modelId === '')) {
          throw invalidParameter('Exactly one of run_id and model_id must be provided.');
        }
        const owner = runId === '' ? await models.get(actor, modelId) : await runs.get(actor, runId);
        refuseProxied('Presigned upload is not supported for proxied artifact storage', owner.artifactUri);
        const type = downloadType(path.slice(path.lastIndexOf('/') + 1));
        const url = await artifacts.uploadUrl(actor, owner.artifactUri, path, type, expiration);
        return { presigned_url: url, headers: { 'Content-Type': type } };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/artifacts/presigned-download-url',
      fields: { run_id: { kind: 'string', required: true }, ...direct },
      async handle(input, { actor }) {
        const { run_id: runId, path, expiration = downloadUrlS } = input;
        if (expiration < 1 || expiration > longestUrlS) {
          throw invalidParameter(
            `expiration must be between 1 and ${longestUrlS} seconds (got ${expiration}).`,
          );
        }
        const run = await runs.get(actor, runId);
        refuseProxied(
          'Presigned download is not supported for runs with proxied artifact storage',
          run.artifactUri,
        );
        const { url, sizeBytes } = await artifacts.downloadUrl(actor, run.artifactUri, path, expiration);
        return { presigned_url: url, file_size: sizeBytes };
      },
    }),
  ];
}

function needsCloud(what: string): string {
  const subject = what.includes('download') ? 'a run with a direct' : 'a direct';
  return `This endpoint requires ${subject} cloud storage artifact URI.`;
}

/** Proxied artifacts past the server: uploads in parts, and signed URLs. */
export function uploadEndpoints({ uploads }: Experiments): readonly Endpoint[] {
  const fields = {
    path: { kind: 'string', required: true },
    upload_id: { kind: 'string' },
  } as const;
  const folderOf = ({ request }: Call): string => (request.params as { readonly '*': string })['*'];
  /** The folder is in the address, the file's name the last part of a path on the client. */
  const target = (call: Call, path: string): string =>
    `${folderOf(call)}/${path.slice(path.lastIndexOf('/') + 1)}`;

  return [
    endpoint({
      method: 'POST',
      path: '/mlflow-artifacts/mpu/create/*',
      fields: { path: fields.path, num_parts: { kind: 'int' } },
      async handle(input, call) {
        const { id, urls } = await uploads.begin(call.actor, target(call, input.path), input.num_parts ?? 1);
        const credentials = urls.map((url, i) => ({ url, part_number: i + 1 }));
        return { upload_id: id, credentials };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow-artifacts/mpu/complete/*',
      fields: {
        ...fields,
        parts: {
          kind: 'objects',
          required: true,
          of: { part_number: { kind: 'int' }, etag: { kind: 'string' }, url: { kind: 'string' } },
        },
      },
      async handle(input, call) {
        const parts = input.parts.map((part) => ({
          partNumber: part.part_number ?? 0,
          etag: part.etag ?? '',
        }));
        await uploads.complete(call.actor, target(call, input.path), input.upload_id ?? '', parts);
        return {};
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow-artifacts/mpu/abort/*',
      fields,
      async handle(input, call) {
        await uploads.abort(call.actor, target(call, input.path), input.upload_id ?? '');
        return {};
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow-artifacts/presigned/*',
      fields: {},
      async handle(_input, call) {
        const { url, sizeBytes } = await uploads.downloadUrl(call.actor, folderOf(call), downloadUrlS);
        return { url, headers: {}, file_size: sizeBytes };
      },
    }),
  ];
}

/** Files by what owns them, outside `/api`: for the browser, and for clients that follow links. */
export function fileEndpoints(tracking: Experiments, registry: Registry): readonly Endpoint[] {
  const { runs, artifacts } = tracking;
  return [
    endpoint({
      method: 'GET',
      path: '/get-artifact',
      fields: { ...byRun, path: { kind: 'string', required: true } },
      async handle(input, call) {
        const run = await runs.get(call.actor, input.run_id);
        const file = await artifacts.open(call.actor, run.artifactUri, input.path);
        return sendFile(call.request, call.reply, file, 'attachment');
      },
    }),
    endpoint({
      method: 'GET',
      path: '/model-versions/get-artifact',
      fields: {
        name: { kind: 'string', required: true },
        version: { kind: 'string', required: true },
        path: { kind: 'string', required: true },
      },
      async handle(input, call) {
        safeArtifactPath(input.path);
        const version = await registry.getVersion(call.actor, input.name, input.version);
        const file = await artifacts.open(call.actor, version.storageLocation, input.path);
        return sendFile(call.request, call.reply, file, 'attachment');
      },
    }),
  ];
}

/** What MLflow's own screens ask for, below `/ajax-api` only. */
export function screenFileEndpoints({ models, artifacts }: Experiments): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/mlflow/logged-models/:model_id/artifacts/files',
      fields: {
        model_id: { kind: 'string', required: true },
        artifact_file_path: { kind: 'string' },
      },
      async handle(input, call) {
        if (!input.artifact_file_path) {
          throw invalidParameter('Request must include the "artifact_file_path" query parameter.');
        }
        const model = await models.get(call.actor, input.model_id);
        const file = await artifacts.open(call.actor, model.artifactUri, input.artifact_file_path);
        return sendFile(call.request, call.reply, file, 'attachment');
      },
    }),
  ];
}
