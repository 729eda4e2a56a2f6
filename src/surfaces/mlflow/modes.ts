import type { FastifyInstance, FastifyReply } from '../../platform/http/index.ts';

/** Which parts of the server answer, as with the options of MLflow's server of these names. */
export interface ServerModes {
  readonly serveArtifacts: boolean;
  readonly artifactsOnly: boolean;
  /** What stands in front of every path, for people who read the answers. */
  readonly pathPrefix: string;
}

const tracking = /^\/(ajax-)?api\/(2|3)\.0\/mlflow\/|^\/(get-artifact|model-versions\/|v1\/)|^\/api\/v1\//;
const serverInfo = /^\/(ajax-)?api\/3\.0\/mlflow\/server-info$/;
const proxy = /^\/(ajax-)?api\/2\.0\/mlflow-artifacts\//;
const streamed = /^\/(ajax-)?api\/2\.0\/mlflow-artifacts\/artifacts\/\*$/;

/** Answers 503 with MLflow's texts for what an option turned off. */
export function addServerModes(app: FastifyInstance, modes: ServerModes): void {
  const { serveArtifacts, artifactsOnly, pathPrefix } = modes;
  if (serveArtifacts && !artifactsOnly) return;
  app.addHook('onRequest', async (request, reply) => {
    const { url = '' } = request.routeOptions;
    const rule = `${pathPrefix}${url}`.replace(/:(\w+)/g, '<$1>').replace(/\*$/, '<path:artifact_path>');
    if (artifactsOnly && tracking.test(url) && !serverInfo.test(url)) {
      return disabled(
        reply,
        `Endpoint: ${rule} disabled due to the mlflow server running in \`--artifacts-only\` mode. To enable tracking server functionality, run \`mlflow server\` without \`--artifacts-only\``,
      );
    }
    if (serveArtifacts || !proxy.test(url)) return;
    if (streamed.test(url) && request.method !== 'DELETE') {
      const detail = 'Artifact serving is disabled. Run `mlflow server` with `--serve-artifacts` to enable.';
      return reply.code(503).send({ detail });
    }
    return disabled(
      reply,
      `Endpoint: ${rule} disabled due to the mlflow server running with \`--no-serve-artifacts\`. To enable artifacts server functionality, run \`mlflow server\` with \`--serve-artifacts\``,
    );
  });
}

function disabled(reply: FastifyReply, text: string): FastifyReply {
  return reply.code(503).type('text/plain; charset=utf-8').send(text);
}
