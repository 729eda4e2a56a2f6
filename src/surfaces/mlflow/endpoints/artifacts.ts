import { type Experiments, sendFile } from '../../../lifecycle/experiments/index.ts';
import type { Registry } from '../../../lifecycle/registry/index.ts';
import { type Call, type Endpoint, endpoint } from '../endpoint.ts';
import { fileJson, list } from '../wire.ts';
import { byRun } from './runs.ts';

/** Lists of artifacts. */
export function artifactEndpoints({ runs, artifacts }: Experiments): readonly Endpoint[] {
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
  ];
}

/** Files by what owns them, outside `/api`: for the browser, and for clients that follow links. */
export function fileEndpoints(tracking: Experiments, registry: Registry): readonly Endpoint[] {
  const { runs, artifacts } = tracking;
  const send = async (call: Call, root: string, path: string): Promise<unknown> => {
    const { actor, request, reply } = call;
    const file = await artifacts.find(actor, artifacts.pathIn(root, path));
    return sendFile(request, reply, file, (range) => artifacts.read(actor, file, range));
  };
  return [
    endpoint({
      method: 'GET',
      path: '/get-artifact',
      fields: { ...byRun, path: { kind: 'string', required: true } },
      handle: async (input, call) =>
        send(call, (await runs.get(call.actor, input.run_id)).artifactUri, input.path),
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
        const version = await registry.getVersion(call.actor, input.name, input.version);
        return send(call, version.storageLocation, input.path);
      },
    }),
  ];
}
