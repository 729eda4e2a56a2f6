import { type Experiments, sendFile } from '../../lifecycle/experiments/index.ts';
import { actorOf, type FastifyInstance, type FastifyRequest } from '../../platform/http/index.ts';

const pathOf = (request: FastifyRequest): string => (request.params as { readonly '*': string })['*'];

/** The artifact proxy: files are streamed to and from the blob store, never held in memory. */
export function addArtifactProxy(scope: FastifyInstance, { artifacts }: Experiments): void {
  const url = '/mlflow-artifacts/artifacts/*';
  scope.get(url, async (request, reply) => {
    const file = await artifacts.open(actorOf(request), '', pathOf(request));
    const stream = await sendFile(request, reply, file, 'attachment');
    return reply.sent ? reply : reply.send(stream);
  });
  scope.put(url, async (request, reply) => {
    await artifacts.put(actorOf(request), pathOf(request), request.raw);
    return reply.send({});
  });
  scope.delete(url, async (request, reply) => {
    await artifacts.delete(actorOf(request), pathOf(request));
    return reply.send({});
  });
}
