import type { MillraceError } from '../../core/errors.ts';
import type { Experiments } from '../../lifecycle/experiments/index.ts';
import type { Registry, Webhooks } from '../../lifecycle/registry/index.ts';
import { type FastifyInstance, toMillraceError } from '../../platform/http/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import { addEndpoints, wrongContentType } from './endpoint.ts';
import {
  artifactEndpoints,
  fileEndpoints,
  screenFileEndpoints,
  uploadEndpoints,
} from './endpoints/artifacts.ts';
import { experimentEndpoints } from './endpoints/experiments.ts';
import { loggedModelEndpoints } from './endpoints/logged-models.ts';
import { loggingEndpoints } from './endpoints/logging.ts';
import { metricEndpoints } from './endpoints/metrics.ts';
import { modelVersionEndpoints } from './endpoints/model-versions.ts';
import { registeredModelEndpoints } from './endpoints/registered-models.ts';
import { runEndpoints } from './endpoints/runs.ts';
import { webhookEndpoints } from './endpoints/webhooks.ts';
import { errorBody, toMlflowError } from './errors.ts';
import { addServerModes, type ServerModes } from './modes.ts';
import { addArtifactProxy } from './proxy.ts';
import { addScreenUpload } from './screen-upload.ts';
import { traceEndpoints } from './traces/endpoints.ts';
import { addOtlpIngest } from './traces/ingest.ts';
import { oldTraceEndpoints } from './traces/old-endpoints.ts';

/** The version of MLflow whose REST API this surface speaks; clients ask for it. */
export const mlflowVersion = '3.17.2';

/** The largest JSON body: a full batch of the longest params and tags is below 2 MB. */
const bodyLimitBytes = 64 * 1024 * 1024;

export interface MlflowSurfaceDeps {
  readonly experiments: Experiments;
  readonly registry: Registry;
  readonly webhooks: Webhooks;
  readonly log: Logger;
  readonly modes: ServerModes;
}

/** Adds MLflow's REST API, its artifact proxy and its probes to the server of control. */
export function addMlflowSurface(app: FastifyInstance, deps: MlflowSurfaceDeps): void {
  const { experiments, registry } = deps;
  addServerModes(app, deps.modes);
  const endpoints = [
    ...experimentEndpoints(experiments),
    ...runEndpoints(experiments),
    ...loggingEndpoints(experiments),
    ...metricEndpoints(experiments),
    ...loggedModelEndpoints(experiments),
    ...artifactEndpoints(experiments),
    ...uploadEndpoints(experiments),
    ...registeredModelEndpoints(registry),
    ...modelVersionEndpoints(registry),
    ...webhookEndpoints(deps.webhooks),
    ...oldTraceEndpoints(experiments),
  ];
  const isDirect = deps.modes.serveArtifacts && experiments.uploads.possible;
  for (const base of ['/api', '/ajax-api']) {
    addScope(app, deps, `${base}/2.0`, (scope) => {
      addEndpoints(scope, endpoints);
      if (base === '/ajax-api') addEndpoints(scope, screenFileEndpoints(experiments));
      void scope.register(async (proxy) => {
        // A body that is put goes to the blob store as it streams in, whatever its type says.
        proxy.removeAllContentTypeParsers();
        proxy.addContentTypeParser('*', (_request, _payload, done) => done(null));
        addArtifactProxy(proxy, experiments);
        if (base === '/ajax-api') addScreenUpload(proxy, experiments);
      });
    });
    addScope(app, deps, `${base}/3.0`, (scope) => {
      addEndpoints(scope, traceEndpoints(experiments));
      scope.get('/mlflow/server-info', async (_request, reply) =>
        reply.send({
          store_type: 'SqlStore',
          workspaces_enabled: false,
          trace_archival_enabled: false,
          multipart_uploads_enabled: isDirect,
          multipart_downloads_enabled: isDirect,
          presigned_upload_run_id_supported: true,
          presigned_upload_model_id_supported: true,
          features_enabled: { gateway: false },
        }),
      );
    });
  }
  addScope(app, deps, '', (scope) => {
    addEndpoints(scope, fileEndpoints(experiments, registry));
    addOtlpIngest(scope, experiments);
    scope.get('/health', async (_request, reply) => reply.type('text/plain').send('OK'));
    scope.get('/version', async (_request, reply) => reply.type('text/plain').send(mlflowVersion));
  });
}

function errorOf(thrown: unknown): MillraceError {
  const { code } = thrown as { readonly code?: string };
  return code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE'
    ? wrongContentType()
    : toMillraceError(thrown, bodyLimitBytes);
}

function addScope(
  app: FastifyInstance,
  deps: MlflowSurfaceDeps,
  prefix: string,
  fill: (scope: FastifyInstance) => void,
): void {
  void app.register(
    async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser(
        '*',
        { parseAs: 'string', bodyLimit: bodyLimitBytes },
        (_request, body, done) => done(null, body),
      );
      scope.setErrorHandler((thrown, request, reply) => {
        const error = errorOf(thrown);
        const { status, body } = toMlflowError(error);
        if (status >= 500 && status !== 501)
          deps.log.error({ err: error.cause ?? error, url: request.url }, error.message);
        void reply.code(status).type('application/json').send(body);
      });
      if (prefix) {
        scope.setNotFoundHandler((request, reply) => {
          const message = `Endpoint not found: ${request.method} ${request.url.split('?')[0]}`;
          void reply.code(404).type('application/json').send(errorBody('ENDPOINT_NOT_FOUND', message));
        });
      }
      fill(scope);
    },
    { prefix },
  );
}
