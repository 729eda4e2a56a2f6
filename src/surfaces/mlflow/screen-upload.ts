import { buffer } from 'node:stream/consumers';
import { type Experiments, invalidParameter, safeArtifactPath } from '../../lifecycle/experiments/index.ts';
import { actorOf, type FastifyInstance } from '../../platform/http/index.ts';

const largestBytes = 10 * 1024 * 1024;
const tooLarge = 'Artifact size is too large. Max size is 10MB.';

/** A small file that MLflow's screens add to a run. */
export function addScreenUpload(scope: FastifyInstance, { runs, artifacts }: Experiments): void {
  scope.post('/mlflow/upload-artifact', async (request, reply) => {
    const actor = actorOf(request);
    const { run_uuid: runId, path } = request.query as Readonly<Record<string, string | undefined>>;
    if (!runId) throw invalidParameter('Request must specify run_uuid.');
    if (!path) throw invalidParameter('Request must specify path.');
    safeArtifactPath(path);
    if (Number(request.headers['content-length'] ?? 0) > largestBytes) throw invalidParameter(tooLarge);
    const data = await buffer(upTo(request.raw));
    if (data.length === 0) throw invalidParameter('Request must specify data.');
    const run = await runs.get(actor, runId);
    await artifacts.write(actor, run.artifactUri, path, data);
    return reply.type('application/json').send('');
  });
}

async function* upTo(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let sizeBytes = 0;
  for await (const chunk of source) {
    sizeBytes += chunk.length;
    if (sizeBytes > largestBytes) throw invalidParameter(tooLarge);
    yield chunk;
  }
}
