import type { IncomingHttpHeaders } from 'node:http';
import { fail, MillraceError } from '../../core/errors.ts';
import type {
  EndpointState,
  ModelRepository,
  Plane,
  ServedArm,
  ServeReplica,
} from '../../lifecycle/serving/index.ts';
import { metricsText, type Registry } from '../../platform/metrics/index.ts';
import type { Admission } from './admission.ts';
import { openapiDocument, serverDocument } from './docs/openapi-document.ts';
import { endpointsPage, missingPage, tryItPage } from './docs/try-it-page.ts';
import { type HttpAnswer, jsonAnswer } from './http/answer.ts';
import { unknownRoute } from './http/unknown-route.ts';
import { isModelReady, modelConfig, modelMetadata, serverMetadata } from './oip/metadata.ts';
import { sharedMemoryStatus } from './oip/shared-memory.ts';
import { statistics } from './oip/statistics.ts';
import { metricsOfAll, type Peers, type Statistics, statisticsOfAll } from './peers.ts';
import { nameInPath } from './request-context.ts';
import { answerDeployments } from './scoring/deployments.ts';
import { requireTraced, ServerSettings } from './server-settings.ts';

interface GetContext {
  readonly replica: Pick<ServeReplica, 'plane'>;
  readonly metrics: Registry;
  readonly version: string;
  /** What the server calls itself; `millrace` by default. */
  readonly name?: string;
  readonly repository?: ModelRepository;
  readonly settings?: ServerSettings;
  /** Other processes on the same port: what is counted is told for all of them. */
  readonly peers?: Peers;
  /** False before the models are warm and while the server drains. */
  readonly ready: boolean;
  /** Who asks; left out: another process of the server, which may see everything. */
  readonly caller?: Caller;
}

/** What a caller may see of what is no single endpoint's. */
export interface Caller {
  readonly admission: Admission;
  readonly headers: IncomingHttpHeaders;
}

const modelPath =
  /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/(ready|config|stats|trace\/setting|docs|docs\/dataplane\.json))?$/;
const modelV1Path = /^\/v1\/models\/([^/:]+)$/;

/** Answers health, metadata, statistics, settings and metrics. Throws those of `unknownRoute` and the errors of an unknown endpoint. */
export async function answerGet(fullPath: string, context: GetContext): Promise<HttpAnswer> {
  const { replica, metrics, version, ready, settings = new ServerSettings() } = context;
  const { plane } = replica;
  const path = fullPath.length > 1 && fullPath.endsWith('/') ? fullPath.slice(0, -1) : fullPath;
  const { caller } = context;
  if (path === '/metrics') caller?.admission.enterMetrics(caller.headers);
  const sees = caller ? caller.admission.sees(caller.headers) : () => true;
  const seen = () => plane.endpoints.filter((state) => sees(state.route.endpoint));
  switch (path) {
    case '/v2':
      return jsonAnswer(200, serverMetadata(context.name ?? 'millrace', version));
    case '/':
      // What KServe's first protocol asks to see whether a server lives.
      return jsonAnswer(200, { status: 'alive' });
    case '/v2/health/live':
    case '/healthz':
      return jsonAnswer(200, { live: true });
    case '/v2/health/ready':
    case '/readyz':
      return jsonAnswer(ready ? 200 : 503, { live: true, ready });
    case '/ping':
    case '/health':
      return { status: ready ? 200 : 503, body: '\n', contentType: 'application/json' };
    case '/version':
      return { status: 200, body: version, contentType: 'text/plain' };
    case '/metrics':
      if (context.peers) return metricsOfAll(context.peers);
      return { status: 200, body: await metricsText(metrics), contentType: metrics.contentType };
    case '/v2/models/stats':
      return statisticsAnswer(statistics(plane, seen(), null), context);
    case '/v2/trace/setting':
      return jsonAnswer(200, settings.trace(null));
    case '/v2/logging':
      return jsonAnswer(200, settings.log());
    case '/v2/docs':
      return endpointsPage(seen());
    case '/v2/docs/dataplane.json':
      return jsonAnswer(
        200,
        serverDocument(
          version,
          seen().flatMap((state) => (state.champion ? [[state, state.champion] as const] : [])),
        ),
      );
    case '/v1/models':
    case '/v2/models':
      return jsonAnswer(200, { models: seen().map((state) => state.route.endpoint) });
  }
  const v1 = modelV1Path.exec(path);
  if (v1) {
    const name = nameInPath(v1[1] ?? '');
    const modelReady = isModelReady(plane, name, null);
    return jsonAnswer(modelReady ? 200 : 503, { name, ready: modelReady });
  }
  const other = sharedMemoryStatus(path) ?? answerDeployments(path, seen);
  if (other) return other;
  const match = modelPath.exec(path);
  if (!match) throw unknownRoute('GET', path);
  return answerModel(nameInPath(match[1] ?? ''), match[2], match[3], context, settings);
}

async function statisticsAnswer(own: Statistics, { peers }: GetContext): Promise<HttpAnswer> {
  return jsonAnswer(200, peers ? await statisticsOfAll(peers, own) : own);
}

async function answerModel(
  name: string,
  givenVersion: string | undefined,
  what: string | undefined,
  context: GetContext,
  settings: ServerSettings,
): Promise<HttpAnswer> {
  const { repository } = context;
  const { plane } = context.replica;
  const version = givenVersion === undefined ? null : nameInPath(givenVersion);
  switch (what) {
    case 'ready': {
      const ready = isModelReady(plane, name, version);
      return jsonAnswer(ready ? 200 : 503, { name, ready });
    }
    case 'stats':
      return statisticsAnswer(statistics(plane, [plane.endpoint(name)], version), context);
    case 'trace/setting':
      requireTraced(plane, name);
      return jsonAnswer(200, settings.trace(name));
  }
  if (what === 'docs') return docsPage(plane, name, version);
  const [state, arm] = served(plane, name, version);
  switch (what) {
    case 'docs/dataplane.json':
      return jsonAnswer(200, openapiDocument(state, arm));
    case 'config':
      return jsonAnswer(200, repository?.config(name, version) ?? modelConfig(state, arm));
    default:
      return jsonAnswer(200, modelMetadata(state, arm));
  }
}

/** An endpoint with the arm of a version, or its champion. Errors: those of Plane.arm, `endpoint_empty`. */
function served(plane: Plane, name: string, version: string | null): readonly [EndpointState, ServedArm] {
  const state = plane.endpoint(name);
  const arm = plane.arm(name, version);
  if (!arm) throw fail('endpoint_empty', { endpoint: name });
  return [state, arm];
}

/** The page to try an endpoint; whoever opens one that is not there reads so on a page, too. */
function docsPage(plane: Plane, name: string, version: string | null): HttpAnswer {
  try {
    return tryItPage(...served(plane, name, version), version);
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    return missingPage(name, error);
  }
}
