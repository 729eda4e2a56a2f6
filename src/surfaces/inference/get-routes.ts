import { fail } from '../../core/errors.ts';
import type { ServeReplica } from '../../lifecycle/serving/index.ts';
import type { Registry } from '../../platform/metrics/index.ts';
import { isModelReady, modelMetadata, serverMetadata } from './oip-metadata.ts';
import { nameInPath } from './request-context.ts';

export interface GetAnswer {
  readonly status: number;
  readonly body: string;
  readonly contentType: string;
}

export interface GetContext {
  readonly replica: ServeReplica;
  readonly metrics: Registry;
  readonly version: string;
  /** False before the models are warm and while the server drains. */
  readonly ready: boolean;
}

const modelPath = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(\/ready)?\/?$/;

/** Answers health, metadata and metrics. Throws `route_not_found` and the errors of an unknown endpoint. */
export async function answerGet(path: string, context: GetContext): Promise<GetAnswer> {
  const { replica, metrics, version, ready } = context;
  switch (path) {
    case '/v2':
    case '/v2/':
      return json(200, serverMetadata(version));
    case '/v2/health/live':
    case '/healthz':
      return json(200, { live: true });
    case '/v2/health/ready':
    case '/readyz':
      return json(ready ? 200 : 503, { live: true, ready });
    case '/ping':
    case '/health':
      return { status: ready ? 200 : 503, body: '\n', contentType: 'application/json' };
    case '/metrics':
      return { status: 200, body: await metrics.metrics(), contentType: metrics.contentType };
  }
  const match = modelPath.exec(path);
  if (!match) throw fail('route_not_found', { method: 'GET', path });
  const name = nameInPath(match[1] ?? '');
  const asked = match[2] === undefined ? null : nameInPath(match[2]);
  if (match[3]) {
    const modelReady = isModelReady(replica.plane, name, asked);
    return json(modelReady ? 200 : 503, { name, ready: modelReady });
  }
  const state = replica.plane.endpoint(name);
  const arm = replica.plane.arm(name, asked);
  if (!arm) throw fail('endpoint_empty', { endpoint: name });
  return json(200, modelMetadata(state, arm));
}

function json(status: number, body: object): GetAnswer {
  return { status, body: JSON.stringify(body), contentType: 'application/json' };
}
